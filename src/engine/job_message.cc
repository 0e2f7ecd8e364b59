#include "engine/job_message.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "core/errors.h"

namespace nanogrid {

Message JobMessage(const Job& job, SystemTime now) {
  const Duration delay = job.not_before - std::min(now, job.not_before);
  // Neither an id nor a function's name has characters that JSON escapes.
  return {.body = fmt::format(R"({{"job_id": "{}", "function_id": "{}", "code": "{}"}})", job.id,
                              job.function, job.version),
          .delay = std::min(delay, Queue::kMaxDelay)};
}

Result<std::string> ReadJobMessage(std::string_view body) {
  boost::json::error_code error;
  const boost::json::value message = boost::json::parse({body.data(), body.size()}, error);
  const boost::json::object* const object = error ? nullptr : message.if_object();
  const boost::json::value* const id = object == nullptr ? nullptr : object->if_contains("job_id");
  if (id == nullptr || !id->is_string()) {
    return InvalidArgument("a message of {} bytes is no JSON object with a string \"job_id\"",
                           body.size());
  }
  return std::string(id->get_string());
}

}  // namespace nanogrid
