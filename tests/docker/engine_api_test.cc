// Engines that answer what no engine should: every one is an error that says so, and none is
// believed.
#include "sandbox/docker/engine_api.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/unique_fd.h"
#include "nanogrid/adapters/docker.h"

namespace nanogrid::docker {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Code = absl::StatusCode;

std::string Json(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

constexpr char kVersion[] =
    R"({"ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64","Version":"20.10"})";

// Listens on a socket; what it answers to each request line is the test's.
class FakeEngine {
 public:
  using Answer = std::function<std::string(const std::string& request_line)>;

  explicit FakeEngine(Answer answer) : answer_(std::move(answer)) {
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
    listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::jthread([this] {
      for (;;) {
        const UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
        if (!connection) return;
        Serve(connection.get());
      }
    });
  }
  ~FakeEngine() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    ::unlink(socket().c_str());
    ::rmdir(directory_.c_str());
  }
  // Answers a version like any, then `answer`.
  static Answer AfterVersion(std::string answer) {
    return [answer = std::move(answer)](const std::string& line) {
      return line.starts_with("GET /version ") ? Json(kVersion) : answer;
    };
  }

  std::string socket() const { return directory_ + "/s"; }
  std::string address() const { return "unix://" + socket(); }

 private:
  // Nothing to answer with ends the connection.
  void Serve(int connection) const {
    for (;;) {
      std::string head;
      char c = 0;
      while (!head.ends_with("\r\n\r\n")) {
        if (::recv(connection, &c, 1, 0) != 1) return;
        head += c;
      }
      size_t body = 0;
      if (const size_t at = head.find("Content-Length: "); at != std::string::npos) {
        body = std::stoul(head.substr(at + 16));
      }
      for (; body > 0; --body) {
        if (::recv(connection, &c, 1, 0) != 1) return;
      }
      const std::string answer = answer_(head.substr(0, head.find('\r')));
      if (answer.empty()) return;
      ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  const Answer answer_;
  std::string directory_ = "/tmp/nanogrid-fake-XXXXXX";
  UniqueFd listener_;
  std::jthread thread_;
};

Context Soon() { return Context::WithTimeout(std::chrono::seconds(20)); }

Status NegotiateWith(std::string answer) {
  const FakeEngine engine([answer = std::move(answer)](const std::string&) { return answer; });
  EngineApi api(ParseEngineAddress(engine.address()));
  return api.Negotiate(Soon()).status();
}

TEST(EngineApi, SpeaksTheNewestVersionThatBothKnow) {
  const auto api_with = [](const char* version) {
    const FakeEngine engine([version](const std::string&) { return Json(version); });
    EngineApi api(ParseEngineAddress(engine.address()));
    const Result<EngineVersion> found = api.Negotiate(Soon());
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->api : "";
  };
  EXPECT_EQ(api_with(kVersion), "1.41");
  EXPECT_EQ(api_with(R"({"ApiVersion":"1.99","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"})"),
            "1.43");
}

TEST(EngineApi, RefusesEnginesThatItCannotSpeakTo) {
  const struct {
    const char* version;
    const char* message;
  } cases[] = {
      {R"({"ApiVersion":"1.40","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64"})",
       "1.12 to 1.40"},
      {R"({"ApiVersion":"1.99","MinAPIVersion":"1.90","Os":"linux","Arch":"amd64"})",
       "1.90 to 1.99"},
      {R"({"ApiVersion":"2.0","Os":"linux","Arch":"amd64"})", "version '2.0'"},
      {R"({"ApiVersion":"1.41x","Os":"linux","Arch":"amd64"})", "version '1.41x'"},
      {R"({"ApiVersion":141,"Os":"linux","Arch":"amd64"})", "version ''"},
      {R"({"ApiVersion":"1.41","Os":"windows","Arch":"amd64"})", "windows/amd64"},
      {R"({"ApiVersion":"1.41","Os":"linux","Arch":"arm64"})", "linux/arm64"},
      {"{}", "version ''"},
      {"[]", "version ''"},
  };
  for (const auto& c : cases) {
    const Status refused = NegotiateWith(Json(c.version));
    EXPECT_EQ(refused.code(), Code::kFailedPrecondition) << c.version;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(c.message));
  }
}

TEST(EngineApi, SaysWhatIsNoAnswer) {
  EXPECT_THAT(std::string(NegotiateWith("garbage\r\n\r\n").message()), HasSubstr("not HTTP"));
  EXPECT_THAT(std::string(NegotiateWith(Json("not json")).message()), HasSubstr("not JSON"));
  EXPECT_EQ(NegotiateWith(Json(std::string(40, '[') + std::string(40, ']'))).code(),
            Code::kInternal);
  EXPECT_EQ(NegotiateWith(Json("{\"ApiVersion\":\"1.4")).code(), Code::kInternal);
  EXPECT_EQ(NegotiateWith("").code(), Code::kUnavailable);
}

TEST(EngineApi, BoundsWhatItReads) {
  const std::string endless =
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + std::string(9 << 20, ' ');
  EXPECT_EQ(NegotiateWith(endless).code(), Code::kResourceExhausted);
}

TEST(EngineApi, PassesOnWhatTheEngineSaysWithoutControlCharacters) {
  const FakeEngine engine(FakeEngine::AfterVersion(
      Json(R"({"message":"no such\u001b[31m thing\n\n"})", "404 Not Found")));
  EngineApi api(ParseEngineAddress(engine.address()));
  const Status status = api.Get(Soon(), "/x").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("no such [31m thing (status 404)"), Not(HasSubstr("\x1b"))));
}

TEST(EngineApi, MapsRefusalsToCodes) {
  const struct {
    const char* status;
    Code code;
  } cases[] = {{"400 Bad", Code::kInvalidArgument}, {"403 No", Code::kPermissionDenied},
               {"404 Not", Code::kNotFound},        {"409 Conflict", Code::kAborted},
               {"500 Oh", Code::kInternal},         {"503 Busy", Code::kUnavailable},
               {"302 Found", Code::kInternal}};
  for (const auto& c : cases) {
    const FakeEngine engine(FakeEngine::AfterVersion(Json("plain words", c.status)));
    EngineApi api(ParseEngineAddress(engine.address()));
    EXPECT_EQ(api.Delete(Soon(), "/x").code(), c.code) << c.status;
  }
}

TEST(EngineApi, AnAnswerOfAnotherTypeIsNone) {
  const FakeEngine engine(FakeEngine::AfterVersion(Json("[1]")));
  EngineApi api(ParseEngineAddress(engine.address()));
  EXPECT_EQ(api.Get(Soon(), "/x").status().code(), Code::kInternal);
  EXPECT_EQ(api.Post(Soon(), "/x", "{}").status().code(), Code::kInternal);
  EXPECT_TRUE(api.GetList(Soon(), "/x").ok());
}

TEST(EngineApi, EndsWithItsContext) {
  // Says that more is to come, and falls silent.
  const FakeEngine engine([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  });
  EngineApi api(ParseEngineAddress(engine.address()));
  const Context brief = Context::WithTimeout(std::chrono::milliseconds(50));
  EXPECT_EQ(api.Negotiate(brief).status().code(), Code::kDeadlineExceeded);
}

TEST(EngineAddress, IsOneOfThisMachine) {
  EXPECT_EQ(ParseEngineAddress("unix:///run/x.sock")->socket, "/run/x.sock");
  EXPECT_EQ(ParseEngineAddress("tcp://127.0.0.1:2375")->server, "http://127.0.0.1:2375");
  EXPECT_EQ(ParseEngineAddress("tcp://[::1]:2375")->server, "http://[::1]:2375");
  EXPECT_EQ(ParseEngineAddress("tcp://localhost:2375")->server, "http://localhost:2375");
  for (const char* address :
       {"tcp://example.com:2375", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "unix://relative",
        "ssh://host", "/run/x.sock", "http://127.0.0.1:1", "tcp://127.0.0.1:80@example.com"}) {
    EXPECT_EQ(ParseEngineAddress(address).status().code(), Code::kInvalidArgument) << address;
  }
}

TEST(DockerSandbox, FindsNoEngineOnlyWhenItWantsOne) {
  const auto sandbox = MakeDockerSandbox({.engine = "unix:///no/such/socket"});
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  const FunctionPackage package{.name = "f", .code_dir = "/usr", .command = {"/bin/true"}};
  const Status status = (*sandbox)->Start(Soon(), package).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/socket"));
  const DockerReport report = InspectDocker({.engine = "unix:///no/such/socket"});
  EXPECT_FALSE(report.reachable);
  EXPECT_THAT(report.detail, HasSubstr("/no/such/socket"));
}

TEST(DockerSandbox, AnEngineThatTellsNonsenseStartsNothing) {
  const auto start = [](const FakeEngine::Answer& answer) {
    const FakeEngine engine([&](const std::string& line) {
      return line.starts_with("GET /version ") ? Json(kVersion) : answer(line);
    });
    const auto sandbox = MakeDockerSandbox({.engine = engine.address()});
    const FunctionPackage package{
        .name = "f", .code_dir = "/usr", .command = {"/bin/true"}, .image = "x"};
    return (*sandbox)->Start(Soon(), package).status();
  };
  const auto has = [](const std::string& line, const char* text) {
    return line.find(text) != std::string::npos;
  };
  constexpr char kImage[] = R"({"Id":"sha256:ab","Os":"linux","Architecture":"amd64"})";
  EXPECT_EQ(start([](const std::string&) { return Json("[]"); }).code(), Code::kInternal);
  EXPECT_EQ(start([](const std::string&) { return Json("{}"); }).code(), Code::kInternal);
  const auto prepared = [&](const std::string& line) -> std::string {
    if (has(line, "/info")) return Json(R"({"SecurityOptions":[7,"name=seccomp"]})");
    if (has(line, "/containers/json")) return Json(R"([1,{"Id":"../../x"},{"Labels":[]}])");
    return "";
  };
  // An image for another machine.
  EXPECT_EQ(start([&](const std::string& line) {
              std::string answer = prepared(line);
              return answer.empty() ? Json(R"({"Id":"sha256:ab","Os":"plan9"})") : answer;
            }).code(),
            Code::kFailedPrecondition);
  // One that "runs", with a pid that is none.
  const Status ended = start([&](const std::string& line) {
    std::string answer = prepared(line);
    if (!answer.empty()) return answer;
    if (has(line, "/images/")) return Json(kImage);
    if (has(line, "/create")) return Json(R"({"Id":"abc"})", "201 Created");
    if (has(line, "/start")) return std::string("HTTP/1.1 204 No Content\r\n\r\n");
    return Json(R"({"State":{"Status":"running","Pid":-1,"Error":"it is broken"}})");
  });
  EXPECT_EQ(ended.code(), Code::kInternal);
  EXPECT_THAT(std::string(ended.message()), HasSubstr("it is broken"));
}

TEST(EngineApi, RemovesLaterWhatAnEngineDoesNotRemoveNow) {
  std::atomic<bool> willing{false};
  std::mutex mutex;
  std::vector<std::string> asked;
  const FakeEngine engine([&](const std::string& line) {
    if (line.starts_with("GET /version ")) return Json(kVersion);
    const std::lock_guard lock(mutex);
    asked.push_back(line.substr(0, line.find('?')));
    return willing ? std::string("HTTP/1.1 204 No Content\r\n\r\n") : Json("{}", "500 No");
  });
  EngineApi api(ParseEngineAddress(engine.address()));
  api.Remove("first");
  willing = true;
  api.Remove("second");
  api.Remove("third");
  const std::lock_guard lock(mutex);
  EXPECT_THAT(asked, testing::ElementsAre(
                         "DELETE /v1.41/containers/first", "DELETE /v1.41/containers/first",
                         "DELETE /v1.41/containers/second", "DELETE /v1.41/containers/third"));
}

}  // namespace
}  // namespace nanogrid::docker
