// The files that AWS's tools keep: ~/.aws/config and ~/.aws/credentials. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "nanogrid/status.h"

namespace nanogrid::aws {

// Settings by name (lower case) of one profile.
using Profile = std::map<std::string, std::string, std::less<>>;
using Profiles = std::map<std::string, Profile, std::less<>>;

enum class ProfileFile { kConfig, kCredentials };

// In a config file sections are [default] and [profile NAME], other kinds are skipped; in a
// credentials file [NAME]. Nested settings are "outer.inner". InvalidArgument names the line, and
// nothing of what is in it: it may be a secret.
Result<Profiles> ParseProfiles(std::string_view text, ProfileFile kind);

// What both say about `name`; the credentials file wins.
Profile MergeProfiles(const Profiles& config, const Profiles& credentials, std::string_view name);

}  // namespace nanogrid::aws
