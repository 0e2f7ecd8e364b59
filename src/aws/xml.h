// The XML that AWS answers, as a tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nanogrid/status.h"

namespace nanogrid::aws {

// Names are without their namespace's prefix. Attributes are not kept.
struct XmlElement {
  std::string name{};
  std::string text{};  // all of its own, without that of its children
  std::vector<XmlElement> children{};

  // The first child of that name; null if there is none.
  const XmlElement* Child(std::string_view child_name) const;
  // Follows names separated by '/'; null if one is missing.
  const XmlElement* Find(std::string_view path) const;
  // Find's text; empty if there is none.
  std::string_view Text(std::string_view path) const;
};

// The root element. DataLoss if `text` is no XML, deeper than 64 elements, or has more than
// 100,000.
Result<XmlElement> ParseXml(std::string_view text);

// `text` with &, <, >, " and ' as entities.
std::string EscapeXml(std::string_view text);

}  // namespace nanogrid::aws
