#include "aws/adapter_uri.h"

namespace nanogrid::aws {

const std::string* QueryValue(const Uri& uri, const char* key) {
  const auto found = uri.query.find(key);
  return found == uri.query.end() ? nullptr : &found->second;
}

AwsOptions WithQuery(AwsOptions options, const Uri& uri) {
  const auto set = [&uri](const char* key, std::string& option) {
    if (const std::string* const value = QueryValue(uri, key)) option = *value;
  };
  set("region", options.region);
  set("endpoint", options.endpoint);
  set("profile", options.profile);
  set("ca", options.ca_file);
  return options;
}

}  // namespace nanogrid::aws
