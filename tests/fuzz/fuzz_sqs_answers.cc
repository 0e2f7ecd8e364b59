// Answers of SQS, Secrets Manager and Auto Scaling: read or refused, whatever they hold; what we
// say to SQS is JSON, whatever the body.
#include "aws/fleet/auto_scaling.h"
#include "aws/secrets/secret_json.h"
#include "aws/sqs/protocol.h"
#include "check.h"
#include "core/json.h"
#include "core/names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nanogrid;
  using namespace nanogrid::aws;
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: {
      const auto messages = ParseReceive(text);
      if (!messages.ok()) {
        FUZZ_CHECK(messages.status().code() == absl::StatusCode::kDataLoss);
        break;
      }
      for (const SqsMessage& each : *messages) {
        FUZZ_CHECK(!each.handle.empty());
        FUZZ_CHECK(each.receive_count >= 1);
      }
      break;
    }
    case 1: {
      const SqsEntry entries[] = {{.body = "a"}, {.body = "b"}};
      const auto results = ParseSendBatch(text, entries);
      if (results.ok()) FUZZ_CHECK(results->size() == 2);
      const auto batch = ParseBatch(text, 3);
      if (batch.ok()) FUZZ_CHECK(batch->size() == 3);
      break;
    }
    case 2:
      ParseDepth(text).status().IgnoreError();
      ParseQueueUrl(text).status().IgnoreError();
      break;
    case 3:
      ParseSecret(text).status().IgnoreError();
      break;
    case 4: {
      const auto xml = ParseXml(text);
      if (!xml.ok()) break;
      const auto group = ParseGroup(*xml, "group");
      if (group.ok()) FUZZ_CHECK(ChooseIdle(*group, 2, {"worker"}).size() <= 2);
      break;
    }
    default: {
      if (!IsUtf8(text)) break;
      const SqsEntry entries[] = {{.body = text, .group = "g", .deduplication = std::string(text)}};
      FUZZ_CHECK(CheckJson(SendBatchJson("u", entries)).ok());
      CheckSqsBody(text).IgnoreError();
    }
  }
  return 0;
}
