#include "aws/profile.h"

#include <algorithm>
#include <optional>

#include "core/errors.h"

namespace nanogrid::aws {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view Trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// A comment needs a blank before it: keys may hold '#' and ';'.
std::string_view WithoutComment(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    const bool mark = text[i] == '#' || text[i] == ';';
    if (mark && kBlank.find(text[i - 1]) != std::string_view::npos) return text.substr(0, i);
  }
  return text;
}

// The name of the profile that a section is; none if it is something else, such as [sso-session x].
std::optional<std::string> SectionProfile(std::string_view section, ProfileFile kind) {
  if (kind == ProfileFile::kCredentials || section == "default") return std::string(section);
  constexpr std::string_view kPrefix = "profile";
  if (section.size() <= kPrefix.size() || !section.starts_with(kPrefix) ||
      kBlank.find(section[kPrefix.size()]) == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(Trim(section.substr(kPrefix.size())));
}

class Parser {
 public:
  explicit Parser(ProfileFile kind) : kind_(kind) {}

  Status Line(std::string_view line, size_t number) {
    const std::string_view text = Trim(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') return absl::OkStatus();
    if (line[0] == '[') return Section(text, number);
    const bool indented = kBlank.find(line[0]) != std::string_view::npos;
    if (indented && !outer_.empty()) return Nested(text);
    return Setting(text, number);
  }

  Profiles Take() { return std::move(profiles_); }

 private:
  Status Section(std::string_view text, size_t number) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return InvalidArgument("line {}: ']' is missing", number);
    const auto name = SectionProfile(Trim(text.substr(1, end - 1)), kind_);
    in_section_ = true;
    profile_ = name ? &profiles_[*name] : nullptr;
    outer_.clear();
    return absl::OkStatus();
  }

  Status Setting(std::string_view text, size_t number) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || Trim(text.substr(0, equals)).empty()) {
      return InvalidArgument("line {}: must be [section] or name = value", number);
    }
    if (!in_section_) return InvalidArgument("line {}: stands before any [section]", number);
    const std::string_view value = Trim(WithoutComment(text.substr(equals + 1)));
    outer_ = Lower(Trim(text.substr(0, equals)));
    if (profile_ != nullptr) (*profile_)[outer_] = value;
    return absl::OkStatus();
  }

  // Below "outer =", or the value's next line, which no setting that is read here has.
  Status Nested(std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || profile_ == nullptr) return absl::OkStatus();
    const std::string name = outer_ + '.' + Lower(Trim(text.substr(0, equals)));
    (*profile_)[name] = Trim(WithoutComment(text.substr(equals + 1)));
    return absl::OkStatus();
  }

  const ProfileFile kind_;
  Profiles profiles_{};
  Profile* profile_ = nullptr;  // null: a section that is no profile
  bool in_section_ = false;
  std::string outer_{};  // the last setting that was not nested
};

}  // namespace

Result<Profiles> ParseProfiles(std::string_view text, ProfileFile kind) {
  Parser parser(kind);
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) NANOGRID_RETURN_IF_ERROR(parser.Line(text.substr(0, end), number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.Take();
}

Profile MergeProfiles(const Profiles& config, const Profiles& credentials, std::string_view name) {
  Profile merged;
  if (const auto found = credentials.find(name); found != credentials.end()) {
    merged = found->second;
  }
  if (const auto found = config.find(name); found != config.end()) {
    merged.insert(found->second.begin(), found->second.end());
  }
  return merged;
}

}  // namespace nanogrid::aws
