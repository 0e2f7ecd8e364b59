#include "engine/compile.h"

#include <algorithm>

#include "core/errors.h"
#include "core/names.h"
#include "core/sha256.h"
#include "engine/code_path.h"
#include "engine/host_tool.h"
#include "engine/package.h"

namespace nanogrid {
namespace {

constexpr size_t kMaxMessages = 16 << 10;
constexpr size_t kDigestSize = 64;

// The compiler's messages, the first of which matter most, made fit for an error.
class Messages final : public LogSink {
 public:
  void Write(std::string_view bytes) override {
    const size_t room = kMaxMessages - text_.size();
    text_ += bytes.substr(0, room);
    cut_ = cut_ || bytes.size() > room;
  }

  std::string Take() {
    if (cut_) text_.resize(text_.rfind('\n') + 1);  // npos + 1: nothing, rather than half a line
    const bool utf8 = IsUtf8(text_);
    for (char& c : text_) {
      const auto byte = static_cast<unsigned char>(c);
      const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
      if (control || (byte >= 0x80 && !utf8)) c = '?';
    }
    if (cut_) text_ += "…";
    return std::move(text_);
  }

 private:
  std::string text_;
  bool cut_ = false;
};

FunctionPackage CompilerPackage(const CompileJob& job, std::string code_dir) {
  const Compiler& compiler = *job.choice.compiler;
  return {.name = job.spec.name,
          .code_dir = std::move(code_dir),
          .command = {"/bin/sh", "-c", compiler.script},
          .env = {{"NANOGRID_SOURCE", fmt::format("{}/{}", kTaskRoot, job.choice.main_file)},
                  {"HOME", "/tmp"},
                  {"TMPDIR", "/tmp"},
                  {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                  {"LANG", "C.UTF-8"}},
          .protocol = Protocol::kStdio,
          .result_is_json = false,
          .limits = compiler.limits,
          .root = job.spec.root,
          .image = job.image};
}

Result<std::string> RunCompiler(const Context& context, const CompileJob& job, Sandbox& sandbox,
                                CodeStore& store) {
  NANOGRID_ASSIGN_OR_RETURN(std::string code_dir, store.Unpack(context, job.source_digest));
  NANOGRID_ASSIGN_OR_RETURN(const std::unique_ptr<Instance> instance,
                            sandbox.Start(context, CompilerPackage(job, std::move(code_dir))));
  Context bounded = context;
  const Limits& limits = job.choice.compiler->limits;
  if (limits.timeout) {
    bounded.deadline = std::min(bounded.deadline, Context::WithTimeout(*limits.timeout).deadline);
  }
  Messages messages;
  NANOGRID_ASSIGN_OR_RETURN(
      Outcome outcome, instance->Invoke(bounded, {.request_id = "compile", .event = ""}, messages));
  if (outcome.ending == Ending::kReturned && !outcome.result.empty()) {
    return std::move(outcome.result);
  }
  NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
  const std::string file = QuoteName(job.choice.main_file);
  if (outcome.ending == Ending::kExited) {
    return InvalidArgument("code: {} does not compile:\n{}", file, messages.Take());
  }
  return InvalidArgument("code: compiling {} ended with '{}'{}{}\n{}", file,
                         ToString(outcome.ending), outcome.error ? ": " : " and no program",
                         outcome.error ? outcome.error->message : "", messages.Take());
}

// "artifact/<what went in>" holds the digest of what came out.
std::string ArtifactKey(const CompileJob& job, std::string_view tool) {
  const std::string inputs =
      fmt::format("{}\n{}\n{}\n{}\n{}", job.source_digest, job.choice.main_file, tool,
                  job.spec.root, job.choice.compiler->script);
  return fmt::format("artifact/{}", Sha256Hex(inputs));
}

}  // namespace

Result<std::string> Compile(const Context& context, const CompileJob& job, Sandbox& sandbox,
                            CodeStore& store, ObjectStore& objects) {
  const Compiler& compiler = *job.choice.compiler;
  std::string tool = job.image;  // a container's tools are as fixed as its image
  if (job.image.empty()) {
    NANOGRID_ASSIGN_OR_RETURN(
        tool, IdentifyTool(job.spec.root, compiler.tool,
                           "compiling " + QuoteName(job.choice.main_file), compiler.install_hint));
  }
  const std::string key = ArtifactKey(job, tool);
  const Result<std::string> known = ReadObject(context, objects, key, kDigestSize);
  if (known.ok() && objects.Stat(context, fmt::format("code/{}", *known)).ok()) return *known;
  if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();

  const auto reserved = job.source.lower_bound(kCompiledDirectory);
  if (reserved != job.source.end() && reserved->first.starts_with(kCompiledDirectory)) {
    return InvalidArgument("code: entry {}: names that begin with {} are reserved",
                           QuoteName(reserved->first), kCompiledDirectory);
  }
  NANOGRID_ASSIGN_OR_RETURN(std::string program, RunCompiler(context, job, sandbox, store));
  CodeListing artifact = job.source;
  artifact.emplace(kCompiledProgram,
                   CodeEntry{.kind = CodeEntry::Kind::kProgram, .content = std::move(program)});
  NANOGRID_ASSIGN_OR_RETURN(std::string digest, store.Put(context, artifact));
  NANOGRID_RETURN_IF_ERROR(WriteObject(context, objects, key, digest).status());
  return digest;
}

}  // namespace nanogrid
