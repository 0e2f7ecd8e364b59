#include "api/function_code.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>

#include "core/errors.h"
#include "core/json.h"
#include "nanogrid/runtime.h"
#include "nanogrid/settings.h"

namespace nanogrid {
namespace {

namespace json = boost::json;

constexpr char kMainFile[] = "main";

std::string MediaType(const HttpRequest& request) {
  std::string_view type = request.headers.Get("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return std::string(type);
}

bool IsZip(const HttpRequest& request) {
  return EqualsIgnoreCase(MediaType(request), "application/zip");
}

// RFC 4648, with its padding, without line breaks.
Result<std::string> DecodeBase64(std::string_view text) {
  const auto wrong = [] { return InvalidArgument("code: zip_base64 is not base64"); };
  const std::string_view letters = text.substr(0, text.size() - std::min<size_t>(text.size(), 2));
  if (text.empty() || text.size() % 4 != 0 || letters.find('=') != text.npos ||
      text.find_first_of(" \t\r\n") != text.npos) {
    return wrong();
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return wrong();
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

Result<Code> ReadCode(const json::value& value, const FunctionSpec& spec) {
  const json::object* const object = value.if_object();
  if (object == nullptr || object->size() != 1) {
    return InvalidArgument("code: must be {{\"inline\": …}} or {{\"zip_base64\": …}}");
  }
  const auto& [kind, content] = *object->begin();
  const json::string* const text = content.if_string();
  if (text == nullptr) return InvalidArgument("code: {} must be a string", std::string(kind));
  const std::string_view view(text->data(), text->size());
  if (kind == "zip_base64") {
    NANOGRID_ASSIGN_OR_RETURN(std::string zip, DecodeBase64(view));
    return Code::Zip(std::move(zip));
  }
  if (kind != "inline") {
    return InvalidArgument("code: '{}' is not known; there are inline and zip_base64",
                           std::string(kind));
  }
  NANOGRID_ASSIGN_OR_RETURN(std::string file, InlineFileName(spec.runtime, spec.handler, view));
  return Code::Inline(std::move(file), std::string(view));
}

Status ReadJson(std::string body, FunctionSpec& spec) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  json::value parsed = json::parse(json::string_view(body.data(), body.size()), error, {}, options);
  body = {};
  if (error) return InvalidArgument("body: not JSON: {}", error.message());
  json::object* const object = parsed.if_object();
  if (object == nullptr) return InvalidArgument("body: must be a JSON object");
  json::value code;
  if (json::value* const found = object->if_contains("code")) {
    code = std::move(*found);
    object->erase("code");
  }
  NANOGRID_RETURN_IF_ERROR(ApplySettingsJson(spec, json::serialize(*object)));
  if (code.is_null()) return InvalidArgument("code: missing");
  NANOGRID_ASSIGN_OR_RETURN(spec.code, ReadCode(code, spec));
  return absl::OkStatus();
}

bool Ends(std::string_view file, const std::vector<std::string>& extensions) {
  return std::any_of(extensions.begin(), extensions.end(), [file](const std::string& extension) {
    return file.size() > extension.size() && file.ends_with(extension);
  });
}

bool Runs(const Runtime& runtime, std::string_view file) {
  return Ends(file, runtime.extensions) ||
         std::any_of(runtime.compilers.begin(), runtime.compilers.end(),
                     [file](const Compiler& each) { return Ends(file, each.extensions); });
}

// Of a runtime whose handlers are functions: "app.handler", "app", "app.py"; "" is main.
std::string FileOfFunction(const Runtime& runtime, std::string_view handler) {
  if (handler.empty()) return kMainFile + runtime.extensions.front();
  if (Runs(runtime, handler)) return std::string(handler);
  std::string file(handler.substr(0, handler.rfind('.')));
  // "package.module" is package/module.
  std::replace(file.begin(), file.end(), '.', '/');
  return file + runtime.extensions.front();
}

}  // namespace

bool IsFunctionContent(const HttpRequest& head) {
  return IsZip(head) || EqualsIgnoreCase(MediaType(head), "application/json");
}

Result<std::string> InlineFileName(std::string_view runtime, std::string_view handler,
                                   std::string_view code) {
  const std::vector<Runtime> runtimes = BuiltinRuntimes();
  const bool program = code.starts_with("#!");
  for (const Runtime& each : runtimes) {
    if (runtime.empty() ? !Runs(each, handler) : each.name != runtime) continue;
    if (!each.default_function.empty()) return FileOfFunction(each, handler);
    if (!handler.empty()) return std::string(handler);
    if (program) return std::string(kMainFile);
    return InvalidArgument(
        "handler: missing; inline code of runtime {} needs the name of its file, "
        "such as main.cpp, or a first line such as #!/bin/sh",
        each.name);
  }
  if (runtime.empty() && program) return std::string(handler.empty() ? kMainFile : handler);
  if (runtime.empty()) {
    return InvalidArgument(
        "runtime: missing; inline code needs one, or a handler that names a "
        "file, such as app.py");
  }
  return InvalidArgument("runtime '{}': is not known here", runtime);
}

Result<FunctionSpec> ReadFunction(std::string name, HttpRequest& request,
                                  const HttpTarget& target) {
  FunctionSpec spec{.name = std::move(name)};
  std::string body = std::exchange(request.body, {});
  if (!IsZip(request)) {
    NANOGRID_RETURN_IF_ERROR(ReadJson(std::move(body), spec));
  } else {
    for (const auto& [key, value] : target.query) {
      NANOGRID_RETURN_IF_ERROR(ApplySetting(spec, key, value));
    }
    if (body.empty()) return InvalidArgument("code: missing; the body is the zip");
    spec.code = Code::Zip(std::move(body));
  }
  NANOGRID_RETURN_IF_ERROR(ValidateSpec(spec));
  return spec;
}

}  // namespace nanogrid
