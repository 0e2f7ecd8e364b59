// What a PUT of a function says: its settings and its code.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "http/target.h"
#include "nanogrid/function_spec.h"

namespace nanogrid {

// The body is JSON, {"code": {"inline": …} or {"zip_base64": …}, settings…}, or a zip with the
// settings in the query. InvalidArgument names the field; Unimplemented for another content type.
// Takes the body out of the request.
Result<FunctionSpec> ReadFunction(std::string name, HttpRequest& request, const HttpTarget& target);
// Whether the header says JSON or zip.
bool IsFunctionContent(const HttpRequest& head);

// The file that inline code is, as its handler and runtime name it: "app.handler" of python3 is in
// app.py. InvalidArgument says what is missing.
Result<std::string> InlineFileName(std::string_view runtime, std::string_view handler,
                                   std::string_view code);

}  // namespace nanogrid
