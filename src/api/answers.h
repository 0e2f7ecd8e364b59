// Answers of the API.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "nanogrid/status.h"

namespace nanogrid {

HttpResponse JsonAnswer(std::string json, int status = 200);
HttpResponse TextAnswer(std::string text, std::string content_type = "text/plain; charset=utf-8");
// {"error": {"code", "message", "field"}} with the status that fits the code.
HttpResponse ErrorAnswer(const Status& error);
// The same where HTTP has a status of its own.
HttpResponse ErrorAnswer(int status, std::string_view message);

int HttpStatusOf(absl::StatusCode code);

}  // namespace nanogrid
