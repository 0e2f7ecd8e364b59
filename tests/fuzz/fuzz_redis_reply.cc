// Replies of a server: however the bytes are cut, the same comes out, and nothing breaks.
#include "check.h"
#include "redis/error_reply.h"
#include "redis/job_fields.h"
#include "redis/resp.h"

namespace {

using nanogrid::redis::Reply;

bool Same(const Reply& a, const Reply& b) {
  if (a.type != b.type || a.integer != b.integer || a.text != b.text ||
      a.items.size() != b.items.size()) {
    return false;
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!Same(a.items[i], b.items[i])) return false;
  }
  return true;
}

// The replies until the end or the first error, and whether there was one.
std::pair<std::vector<Reply>, bool> ReadAll(std::string_view bytes, size_t piece) {
  nanogrid::redis::ReplyReader reader;
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    reader.Feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (true) {
      auto reply = reader.Next();
      if (!reply.ok()) return {std::move(replies), true};
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
  }
  return {std::move(replies), false};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto [whole, broken] = ReadAll(bytes, size + 1);
  const auto [cut, cut_broken] = ReadAll(bytes, 1);
  FUZZ_CHECK(whole.size() == cut.size() && broken == cut_broken);
  for (size_t i = 0; i < whole.size(); ++i) {
    FUZZ_CHECK(Same(whole[i], cut[i]));
    if (whole[i].is_error()) FUZZ_CHECK(!nanogrid::redis::ErrorOf(whole[i].text).ok());
    // What a broken or hostile server may say where a job is expected.
    nanogrid::redis::ReadListedJob(whole[i]).status().IgnoreError();
    nanogrid::redis::ReadJob(whole[i]).status().IgnoreError();
  }
  if (const auto event = nanogrid::redis::ParseEventText(bytes); event.ok()) {
    const auto again = nanogrid::redis::ParseEventText(nanogrid::redis::EventText(*event));
    FUZZ_CHECK(again.ok() && *again == *event);
  }
  return 0;
}
