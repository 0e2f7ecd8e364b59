#include "engine/runtime_selection.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "engine/code_path.h"

namespace nanogrid {
namespace {

using Kind = CodeEntry::Kind;

constexpr std::array<std::string_view, 6> kMainNames = {"main",    "index",           "app",
                                                        "handler", "lambda_function", "function"};
constexpr size_t kMaxListed = 8;

std::string_view BaseOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view ExtensionOf(std::string_view path) {
  const std::string_view base = BaseOf(path);
  const size_t dot = base.rfind('.');
  return dot == base.npos || dot == 0 ? std::string_view() : base.substr(dot);
}

std::string_view WithoutExtension(std::string_view path) {
  return path.substr(0, path.size() - ExtensionOf(path).size());
}

bool Contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// How `runtime` would run this file: not at all, as it is, or compiled.
struct Fit {
  bool fits = false;
  const Compiler* compiler = nullptr;
};

Fit FitByExtension(const Runtime& runtime, std::string_view path) {
  const std::string_view extension = ExtensionOf(path);
  if (Contains(runtime.extensions, extension)) return {.fits = true};
  for (const Compiler& compiler : runtime.compilers) {
    if (Contains(compiler.extensions, extension)) return {.fits = true, .compiler = &compiler};
  }
  return {};
}

Fit FitOf(const Runtime& runtime, std::string_view path, const CodeEntry& entry) {
  if (entry.kind == Kind::kLink) return {};
  const Fit fit = FitByExtension(runtime, path);
  if (fit.fits) return fit;
  return {.fits = runtime.runs_executables && entry.kind == Kind::kProgram};
}

struct Candidate {
  const Runtime* runtime = nullptr;
  const Compiler* compiler = nullptr;
  std::string_view path;
};

// The runtime for a file by its type: its extension; else, if it is executable, one that asks
// nothing of a program but to read and write.
std::optional<Candidate> ByFileType(std::span<const Runtime> runtimes, std::string_view path,
                                    const CodeEntry& entry) {
  if (entry.kind == Kind::kLink) return std::nullopt;
  for (const Runtime& runtime : runtimes) {
    const Fit fit = FitByExtension(runtime, path);
    if (fit.fits) return Candidate{&runtime, fit.compiler, path};
  }
  if (entry.kind != Kind::kProgram) return std::nullopt;
  const Runtime* chosen = nullptr;
  for (const Runtime& runtime : runtimes) {
    if (!runtime.runs_executables) continue;
    if (chosen == nullptr ||
        (chosen->protocol != Protocol::kStdio && runtime.protocol == Protocol::kStdio)) {
      chosen = &runtime;
    }
  }
  if (chosen == nullptr) return std::nullopt;
  return Candidate{chosen, nullptr, path};
}

std::vector<Candidate> FindCandidates(const CodeListing& listing, std::span<const Runtime> runtimes,
                                      const Runtime* wanted) {
  std::vector<Candidate> found;
  for (const auto& [path, entry] : listing) {
    if (wanted != nullptr) {
      const Fit fit = FitOf(*wanted, path, entry);
      if (fit.fits) found.push_back({wanted, fit.compiler, path});
    } else if (const auto candidate = ByFileType(runtimes, path, entry)) {
      found.push_back(*candidate);
    }
  }
  return found;
}

template <typename Range, typename Name>
std::string ListNames(const Range& range, Name name) {
  std::string text;
  size_t count = 0;
  for (const auto& element : range) {
    if (count++ == kMaxListed) return text + ", …";
    text += (text.empty() ? "" : ", ") + QuoteName(name(element));
  }
  return text;
}

std::string ListFiles(const CodeListing& listing) {
  return ListNames(listing, [](const auto& file) -> std::string_view { return file.first; });
}

RuntimeChoice Choose(const Candidate& candidate, std::string_view function) {
  std::string handler(candidate.path);
  if (!candidate.runtime->default_function.empty()) {
    handler = fmt::format("{}.{}", WithoutExtension(candidate.path),
                          function.empty() ? candidate.runtime->default_function : function);
  }
  return {.runtime = candidate.runtime,
          .compiler = candidate.compiler,
          .main_file = std::string(candidate.path),
          .handler = std::move(handler)};
}

Result<RuntimeChoice> OnlyOne(const std::vector<Candidate>& candidates, std::string_view hint) {
  if (candidates.size() == 1) return Choose(candidates.front(), "");
  return InvalidArgument("code: several files could be the function: {}; {}",
                         ListNames(candidates, [](const Candidate& c) { return c.path; }), hint);
}

Result<RuntimeChoice> SelectWithoutHandler(const CodeListing& listing,
                                           std::span<const Runtime> runtimes,
                                           const Runtime* wanted) {
  const std::vector<Candidate> all = FindCandidates(listing, runtimes, wanted);
  std::vector<Candidate> top;
  std::copy_if(all.begin(), all.end(), std::back_inserter(top),
               [](const Candidate& c) { return c.path.find('/') == c.path.npos; });
  if (top.size() == 1) return Choose(top.front(), "");
  std::vector<Candidate> named;
  std::copy_if(top.begin(), top.end(), std::back_inserter(named), [](const Candidate& c) {
    const std::string_view stem = WithoutExtension(c.path);
    return std::find(kMainNames.begin(), kMainNames.end(), stem) != kMainNames.end();
  });
  if (named.size() == 1) return Choose(named.front(), "");
  constexpr std::string_view kHint = "name one with handler (--handler)";
  if (!named.empty()) return OnlyOne(named, kHint);
  if (!top.empty()) return OnlyOne(top, kHint);
  if (!all.empty()) return OnlyOne(all, kHint);
  if (wanted != nullptr) {
    return InvalidArgument("code: nothing that runtime '{}' can run among {}", wanted->name,
                           ListFiles(listing));
  }
  return InvalidArgument(
      "code: nothing that a runtime can run among {}; known file types: {}, and files that are "
      "executable (chmod +x)",
      ListFiles(listing), ListNames(runtimes, [](const Runtime& runtime) -> std::string_view {
        return runtime.extensions.empty() ? runtime.name : runtime.extensions.front();
      }));
}

// Ways to read a handler as a file and a function: "dir/file.function", "package.module.function",
// "file.py", "file".
std::vector<std::pair<std::string, std::string>> Readings(const std::string& handler) {
  std::vector<std::pair<std::string, std::string>> readings = {{handler, ""}};
  const size_t dot = handler.rfind('.');
  if (dot != std::string::npos && dot > 0 && dot + 1 < handler.size()) {
    const std::string function = handler.substr(dot + 1);
    std::string file = handler.substr(0, dot);
    readings.emplace_back(file, function);
    std::replace(file.begin(), file.end(), '.', '/');
    readings.emplace_back(std::move(file), function);
  }
  return readings;
}

// The files of `runtime`, which has functions in files, that the handler can mean.
std::optional<RuntimeChoice> FindFunction(const CodeListing& listing, const Runtime& runtime,
                                          const std::string& handler) {
  for (const auto& [file, function] : Readings(handler)) {
    for (const std::string& extension : runtime.extensions) {
      const bool whole = function.empty() && ExtensionOf(file) == extension;
      const auto found = listing.find(whole ? file : file + extension);
      if (found == listing.end()) continue;
      return Choose({&runtime, nullptr, found->first}, function);
    }
  }
  return std::nullopt;
}

Result<RuntimeChoice> SelectByHandler(const CodeListing& listing, std::span<const Runtime> runtimes,
                                      const Runtime* wanted, const std::string& handler) {
  std::vector<RuntimeChoice> found;
  for (const Runtime& runtime : runtimes) {
    if (runtime.default_function.empty() || (wanted != nullptr && wanted != &runtime)) continue;
    if (auto choice = FindFunction(listing, runtime, handler)) found.push_back(std::move(*choice));
  }
  if (found.size() > 1) {
    return InvalidArgument(
        "handler: {} could be {}; choose a runtime (--runtime)", QuoteName(handler),
        ListNames(found, [](const RuntimeChoice& c) -> std::string_view { return c.main_file; }));
  }
  if (found.size() == 1) return found.front();
  const auto file = listing.find(handler);
  if (file == listing.end()) {
    return InvalidArgument("handler: the code has no file for {}; it has {}", QuoteName(handler),
                           ListFiles(listing));
  }
  if (wanted == nullptr) {
    if (const auto candidate = ByFileType(runtimes, file->first, file->second)) {
      return Choose(*candidate, "");
    }
  } else if (const Fit fit = FitOf(*wanted, file->first, file->second); fit.fits) {
    return Choose({wanted, fit.compiler, file->first}, "");
  }
  return InvalidArgument("handler: {} cannot run {}{}",
                         wanted ? fmt::format("runtime '{}'", wanted->name) : "no runtime",
                         QuoteName(handler),
                         file->second.kind == Kind::kFile ? "; is it executable (chmod +x)?" : "");
}

}  // namespace

Result<const Runtime*> FindRuntime(std::span<const Runtime> runtimes, std::string_view name) {
  for (const Runtime& runtime : runtimes) {
    if (runtime.name == name) return &runtime;
  }
  return InvalidArgument(
      "runtime: there is no {}; there are {}", QuoteName(name),
      ListNames(runtimes, [](const Runtime& runtime) -> std::string_view { return runtime.name; }));
}

Result<RuntimeChoice> SelectRuntime(const CodeListing& listing, std::span<const Runtime> runtimes,
                                    const std::string& runtime, const std::string& handler) {
  const Runtime* wanted = nullptr;
  if (!runtime.empty()) {
    NANOGRID_ASSIGN_OR_RETURN(wanted, FindRuntime(runtimes, runtime));
  }
  if (handler.empty()) return SelectWithoutHandler(listing, runtimes, wanted);
  return SelectByHandler(listing, runtimes, wanted, handler);
}

}  // namespace nanogrid
