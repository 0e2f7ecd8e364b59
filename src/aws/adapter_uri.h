// What the URIs of all AWS adapters have in common.
#pragma once

#include "nanogrid/adapters/aws.h"

namespace nanogrid::aws {

// Query keys of AwsOptions: region, endpoint, profile, ca. Those that are there replace `options`'.
inline constexpr std::string_view kAwsQueryKeys[] = {"region", "endpoint", "profile", "ca"};
AwsOptions WithQuery(AwsOptions options, const Uri& uri);

// The query's value; none if there is none.
const std::string* QueryValue(const Uri& uri, const char* key);

}  // namespace nanogrid::aws
