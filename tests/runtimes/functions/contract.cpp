// Does what its event says; see contract_test.cc.
#include <nanogrid/function.h>

#include <stdexcept>

struct Oops : std::runtime_error {
  using std::runtime_error::runtime_error;
};

static std::string Describe(const nanogrid::FunctionContext& context) {
  const auto boolean = [](bool value) { return value ? "true" : "false"; };
  std::string json = "{\"request_id\":" + nanogrid::JsonString(context.request_id);
  json += ",\"name\":" + nanogrid::JsonString(context.function_name);
  json += ",\"version\":" + nanogrid::JsonString(context.function_version);
  json += ",\"memory\":" + std::to_string(context.memory_limit_mb);
  json += std::string(",\"limited\":") + boolean(context.deadline.has_value());
  json += std::string(",\"hurry\":") + boolean(context.RemainingTime().count() < 2000000000);
  json += std::string(",\"late\":") + boolean(context.RemainingTime().count() == 0);
  return json + "}";
}

static std::string Handle(std::string_view event, const nanogrid::FunctionContext& context) {
  if (event == "\"context\"") return Describe(context);
  if (event == "\"print\"") {
    std::puts("first");
    std::fputs("second\n", stderr);
    std::fputs("no newline", stdout);
    return "null";
  }
  if (event == "\"print much\"") {
    for (int i = 0; i < 5000; ++i) std::puts(std::string(99, 'x').c_str());
    return "null";
  }
  if (event == "\"throw\"") throw Oops("no \"good\" \xC3\xBCnd\n");
  if (event == "\"child\"") {
    return std::system("test -e /proc/self/fd/3 && echo open || echo closed") == 0 ? "null" : "1";
  }
  if (event == "\"progress\"") {
    context.ReportProgress("{\"done\":0.5}");
    context.ReportProgress("\"nearly\"");
    return context.ReportProgress("\"" + std::string(4000, 'x') + "\"") ? "too long" : "null";
  }
  if (event == "\"exit\"") std::exit(7);
  return std::string(event);
}

NANOGRID_MAIN(Handle)
