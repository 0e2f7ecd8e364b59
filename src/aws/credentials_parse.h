// Credentials as services answer them. Pure. No error shows any part of an answer but
// a known "Code".
#pragma once

#include <string_view>

#include "aws/signature.h"
#include "aws/xml.h"

namespace nanogrid::aws {

// {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} of containers and instances.
// PermissionDenied if they answered another "Code" than "Success".
Result<Credentials> ParseCredentialsJson(std::string_view json);

// <AssumeRole…Result><Credentials> of STS; `result` is that element's name.
Result<Credentials> ParseAssumedRole(const XmlElement& answer, std::string_view result);

}  // namespace nanogrid::aws
