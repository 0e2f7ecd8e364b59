// Answers of DynamoDB: whatever they hold, they are read or refused; items are written as they were
// read.
#include "aws/dynamodb/function_head.h"
#include "aws/dynamodb/job_items.h"
#include "check.h"

namespace {

using namespace nanogrid;
using namespace nanogrid::aws;

bool IsKnown(const Item& item) {
  for (const auto& [name, attribute] : item) {
    if (attribute.type == Attribute::Type::kOther) return false;
  }
  return true;
}

void CheckItem(const Item& item) {
  if (IsKnown(item)) {
    const auto again = ParseItem(WriteJson("t", {.item = item}));
    FUZZ_CHECK(again.ok() && again->has_value() && **again == item);
  }
  if (const auto head = ReadHead(item); head.ok()) {
    FUZZ_CHECK(ReadHead(HeadItem("f", *head)).ok());
  }
  ReadVersion(item).status().IgnoreError();
  ReadJob(item).status().IgnoreError();
  if (const auto event = ReadEvent(item); event.ok()) {
    FUZZ_CHECK(ReadEvent(FeedItem(*event, 1)).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto item = ParseItem(text); item.ok() && item->has_value()) CheckItem(**item);
  if (const auto page = ParsePage(text); page.ok()) {
    for (const Item& item : page->items) CheckItem(item);
  }
  ParseBatchWrite(text, "t").status().IgnoreError();
  ParseBatchGet(text, "t").status().IgnoreError();
  return 0;
}
