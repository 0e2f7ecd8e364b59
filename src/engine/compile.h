// Turns source code into a program, inside a sandbox: compilers are programs too, and sources are
// as untrusted as any code.
#pragma once

#include <string>

#include "engine/code_store.h"
#include "engine/runtime_selection.h"

namespace nanogrid {

struct CompileJob {
  const FunctionSpec& spec;
  const RuntimeChoice& choice;  // with a compiler
  const CodeListing& source;
  const std::string& source_digest;  // of the stored source
  const std::string& image;          // to compile in; empty: in the host's files
};

// The digest of the stored code to run: the source with the program added. What was compiled once,
// from the same source with the same tool, is not compiled again. InvalidArgument has the
// compiler's messages; FailedPrecondition says how to get a compiler that is missing.
Result<std::string> Compile(const Context& context, const CompileJob& job, Sandbox& sandbox,
                            CodeStore& store, ObjectStore& objects);

}  // namespace nanogrid
