#include <gtest/gtest.h>

#include <thread>

#include "engine/engine_fixture.h"
#include "engine/zip_builder.h"

namespace nanogrid {
namespace {

using enum absl::StatusCode;

using Registration = EngineTest;

TEST_F(Registration, VersionsAreNumberedAndTheSameDefinitionIsTheSameVersion) {
  EXPECT_EQ(Register(Spec("f", "one")).number, 1);
  EXPECT_EQ(Register(Spec("f", "one")).number, 1);
  EXPECT_EQ(Register(Spec("f", "two")).number, 2);
  FunctionSpec other = Spec("f", "two");
  other.limits.memory = 64 << 20;
  EXPECT_EQ(Register(other).number, 3);
  EXPECT_EQ(engine().Get({}, "f")->number, 3);
  EXPECT_EQ(engine().ListVersions({}, "f")->functions.size(), 3);
}

TEST_F(Registration, EverythingIsResolved) {
  const FunctionVersion version = Register(Spec("f"));
  EXPECT_EQ(version.runtime, "script");
  EXPECT_EQ(version.handler, "f.handler");
  EXPECT_EQ(version.sandbox, "linux");
  EXPECT_EQ(version.artifact_digest, version.code_digest);
  EXPECT_EQ(version.code_digest.size(), 64);
}

TEST_F(Registration, IdenticalCodeIsStoredOnceForAllFunctions) {
  const std::string a = Register(Spec("a")).code_digest;
  FunctionSpec zip = Spec("b");
  zip.code = Code::Zip(MakeZip({{.name = "f.fn", .content = "source"}}));
  EXPECT_EQ(Register(zip).code_digest, a);
  EXPECT_EQ(CountObjects("code/"), 1);
}

TEST_F(Registration, ErrorsNameTheField) {
  EXPECT_THAT(engine().Register(Spec("no spaces")), FailsWith(kInvalidArgument, "name"));
  FunctionSpec spec = Spec("f");
  spec.runtime = "cobol";
  EXPECT_THAT(engine().Register(spec),
              FailsWith(kInvalidArgument, "runtime: there is no 'cobol'; there are 'script'"));
  spec = Spec("f");
  spec.handler = "missing.handler";
  EXPECT_THAT(engine().Register(spec), FailsWith(kInvalidArgument, "handler: "));
  spec = Spec("f");
  spec.code = {};
  EXPECT_THAT(engine().Register(spec), FailsWith(kInvalidArgument, "code: missing"));
  spec = Spec("f");
  spec.sandbox = "other";
  EXPECT_THAT(engine().Register(spec),
              FailsWith(kInvalidArgument, "sandbox: this engine has no 'other'; it has linux"));
  EXPECT_EQ(CountObjects(""), 0);
}

TEST_F(Registration, ARuntimeThatIsNotInstalledIsNamedWithTheFix) {
  parts_.runtimes[0].requires_path = "/no/such/script";
  parts_.runtimes[0].install_hint = "apt-get install script";
  EXPECT_THAT(engine().Register(Spec("f")),
              FailsWith(kFailedPrecondition,
                        "runtime 'script' needs /no/such/script: apt-get install script"));
}

TEST_F(Registration, ARuntimeIsLookedForInTheFunctionsRoot) {
  parts_.runtimes[0].requires_path = "/opt/script";
  FunctionSpec spec = Spec("f");
  spec.root = directory_.path();
  EXPECT_THAT(engine().Register(spec), FailsWith(kFailedPrecondition, "needs /opt/script in root"));
  directory_.Write("bin/real", "x");
  std::filesystem::create_directory(directory_ / "opt");
  // Absolute links are meant inside the root.
  std::filesystem::create_symlink("/bin/real", directory_ / "opt/script");
  EXPECT_THAT(engine().Register(spec), IsOk());
}

TEST_F(Registration, SourcesAreCompiledInTheSandboxOnce) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    if (call.package.command[0] != "/bin/sh") return Returned(call.package.command[0]);
    EXPECT_EQ(call.package.command, (std::vector<std::string>{"/bin/sh", "-c", "compile"}));
    EXPECT_EQ(call.package.env.at("NANOGRID_SOURCE"), "/var/task/main.src");
    EXPECT_EQ(call.package.protocol, Protocol::kStdio);
    EXPECT_EQ(call.package.grants, Grants{});
    return Returned("ELF program");
  };
  FunctionSpec spec = {.name = "a", .code = Code::Inline("main.src", "source")};
  const FunctionVersion first = Register(spec);
  spec.name = "b";
  const FunctionVersion second = Register(spec);
  EXPECT_EQ(sandbox_->starts(), 1);
  EXPECT_EQ(first.handler, "main.src");
  EXPECT_NE(first.artifact_digest, first.code_digest);
  EXPECT_EQ(first.artifact_digest, second.artifact_digest);
  const auto outcome = Invoke("b", "not json, which no program must be given");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, "/var/task/.nanogrid/program");
  const std::string code_dir = sandbox_->packages().back().code_dir;
  EXPECT_TRUE(std::filesystem::exists(code_dir + "/main.src"));
  EXPECT_TRUE(std::filesystem::exists(code_dir + "/.nanogrid/program"));
}

TEST_F(Registration, TheCompilersMessagesAreTheError) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    call.log.Write("main.src:1: error: expected ';'");
    return Outcome{.ending = Ending::kExited, .exit_code = 1};
  };
  const auto version = engine().Register({.name = "f", .code = Code::Inline("main.src", "x")});
  EXPECT_THAT(version,
              FailsWith(kInvalidArgument,
                        "code: 'main.src' does not compile:\nmain.src:1: error: expected"));
  EXPECT_THAT(engine().Get({}, "f"), FailsWith(kNotFound, ""));
}

TEST_F(Registration, EndlessAndHostileCompilerMessagesAreCutAndCleaned) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    call.log.Write("\x1b[2Jfirst\n");
    for (int i = 0; i < 1000; ++i) call.log.Write(std::string(999, 'm') + "\n");
    return Outcome{.ending = Ending::kExited, .exit_code = 1};
  };
  const auto version = engine().Register({.name = "f", .code = Code::Inline("main.src", "x")});
  EXPECT_THAT(version, FailsWith(kInvalidArgument, "compile:\n?[2Jfirst\nmmm"));
  EXPECT_LT(version.status().message().size(), 20'000);
  EXPECT_THAT(version, FailsWith(kInvalidArgument, "mmm\n…"));
}

TEST_F(Registration, AMissingCompilerIsNamedWithTheFix) {
  parts_.runtimes[1].compilers[0].tool = "/no/such/compiler";
  EXPECT_THAT(engine().Register({.name = "f", .code = Code::Inline("main.src", "x")}),
              FailsWith(kFailedPrecondition, "needs /no/such/compiler: apt-get install dash"));
}

TEST_F(Registration, ACompilationIsCancelledWithTheCall) {
  Event compiling;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    compiling.Set();
    Event().Wait(call.context);
    return EndedBy(call.context);
  };
  std::stop_source stop;
  std::jthread canceller([&] {
    compiling.Wait();
    stop.request_stop();
  });
  EXPECT_THAT(engine().Register(Context::WithStop(stop.get_token()),
                                {.name = "f", .code = Code::Inline("main.src", "x")}),
              FailsWith(kCancelled, ""));
}

TEST_F(Registration, CodeThatUsesTheReservedNameIsNotCompiled) {
  EXPECT_THAT(
      engine().Register(
          {.name = "f",
           .code = Code::Zip(MakeZip({{.name = "main.src"}, {.name = ".nanogrid/program"}}))}),
      FailsWith(kInvalidArgument, "'.nanogrid/program'"));
}

TEST_F(Registration, MissingPartsAreNamed) {
  EngineParts parts;
  EXPECT_THAT(MakeEngine(parts), FailsWith(kInvalidArgument, "EngineParts.objects"));
  parts = parts_;
  parts.sandboxes["linux"] = nullptr;
  EXPECT_THAT(MakeEngine(parts), FailsWith(kInvalidArgument, "EngineParts.sandboxes"));
  parts = parts_;
  parts.package_dir.clear();
  EXPECT_THAT(MakeEngine(parts), FailsWith(kInvalidArgument, "EngineParts.package_dir"));
}

TEST_F(Registration, RemovedFunctionsAreGoneAndNumbersGoOn) {
  Register(Spec("f", "one"));
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_EQ(sandbox_->alive(), 1);
  ASSERT_THAT(engine().Remove({}, "f"), IsOk());
  EXPECT_EQ(sandbox_->alive(), 0);
  EXPECT_THAT(Invoke("f"), FailsWith(kNotFound, "f"));
  EXPECT_THAT(engine().Invoke({}, {.function = "f", .qualifier = "1"}), FailsWith(kNotFound, ""));
  EXPECT_TRUE(engine().List({})->functions.empty());
  EXPECT_THAT(engine().Remove({}, "f"), IsOk());
  EXPECT_EQ(Register(Spec("f", "one")).number, 2);
}

}  // namespace
}  // namespace nanogrid
