#include "core/function_error.h"

#include <boost/json.hpp>

#include "core/json.h"

namespace nanogrid {
namespace {

constexpr char kUnnamed[] = "Error";

std::string Field(const boost::json::object& object, const char* name) {
  const boost::json::value* value = object.if_contains(name);
  const boost::json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

}  // namespace

FunctionError ParseFunctionError(std::string_view body) {
  FunctionError error;
  boost::json::error_code parse_error;
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const boost::json::value value =
      boost::json::parse({body.data(), body.size()}, parse_error, {}, options);
  if (const boost::json::object* object = parse_error ? nullptr : value.if_object()) {
    error.type = Field(*object, "type");
    error.message = Field(*object, "message");
    error.stack = Field(*object, "stack");
  } else {
    error.message = std::string(body);
  }
  if (error.type.empty()) error.type = kUnnamed;
  return error;
}

}  // namespace nanogrid
