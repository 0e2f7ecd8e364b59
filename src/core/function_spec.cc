#include "nanogrid/function_spec.h"

#include <utility>

namespace nanogrid {

Code Code::Inline(std::string file_name, std::string content) {
  return {.kind = Kind::kInline, .name = std::move(file_name), .bytes = std::move(content)};
}

Code Code::FromPath(std::string path) { return {.kind = Kind::kPath, .name = std::move(path)}; }

Code Code::Zip(std::string archive) { return {.kind = Kind::kZip, .bytes = std::move(archive)}; }

bool FunctionVersion::SameDefinition(const FunctionVersion& other) const {
  return name == other.name && code_digest == other.code_digest && runtime == other.runtime &&
         handler == other.handler && env == other.env && limits == other.limits &&
         grants == other.grants && concurrency == other.concurrency && fresh == other.fresh &&
         per_tenant == other.per_tenant && retry == other.retry && sandbox == other.sandbox &&
         image == other.image && root == other.root && artifact_digest == other.artifact_digest;
}

}  // namespace nanogrid
