#include "aws/xml.h"

#include <expat.h>

#include <algorithm>
#include <memory>

#include "core/errors.h"

namespace nanogrid::aws {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxElements = 100'000;

struct Builder {
  XML_Parser parser = nullptr;
  XmlElement root{};  // holds the document's root
  std::vector<XmlElement*> open{};
  size_t elements = 0;
};

std::string_view LocalName(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

void XMLCALL OnStart(void* data, const XML_Char* name, const XML_Char** /*attributes*/) {
  Builder& builder = *static_cast<Builder*>(data);
  if (builder.open.size() > kMaxDepth || ++builder.elements > kMaxElements) {
    XML_StopParser(builder.parser, XML_FALSE);
    return;
  }
  // Elements that are open are the last ones of their parents: no pointer moves.
  std::vector<XmlElement>& siblings = builder.open.back()->children;
  siblings.push_back({.name = std::string(LocalName(name))});
  builder.open.push_back(&siblings.back());
}

void XMLCALL OnEnd(void* data, const XML_Char* /*name*/) {
  static_cast<Builder*>(data)->open.pop_back();
}

void XMLCALL OnText(void* data, const XML_Char* text, int size) {
  static_cast<Builder*>(data)->open.back()->text.append(text, static_cast<size_t>(size));
}

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child_name) const {
  const auto found = std::find_if(children.begin(), children.end(), [&](const XmlElement& child) {
    return child.name == child_name;
  });
  return found == children.end() ? nullptr : &*found;
}

const XmlElement* XmlElement::Find(std::string_view path) const {
  const XmlElement* element = this;
  while (element != nullptr && !path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    element = element->Child(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return element;
}

std::string_view XmlElement::Text(std::string_view path) const {
  const XmlElement* const found = Find(path);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> ParseXml(std::string_view text) {
  constexpr size_t kMaxText = 1 << 30;
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                       XML_ParserFree);
  if (parser == nullptr || text.size() > kMaxText) {
    return MakeError(absl::StatusCode::kDataLoss, "answer of {} bytes: too large for XML",
                     text.size());
  }
  Builder builder{.parser = parser.get()};
  builder.open.push_back(&builder.root);
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), OnStart, OnEnd);
  XML_SetCharacterDataHandler(parser.get(), OnText);
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) !=
      XML_STATUS_OK) {
    return MakeError(absl::StatusCode::kDataLoss, "answer is not XML as expected: {} in line {}",
                     XML_ErrorString(XML_GetErrorCode(parser.get())),
                     XML_GetCurrentLineNumber(parser.get()));
  }
  return std::move(builder.root.children.front());
}

std::string EscapeXml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace nanogrid::aws
