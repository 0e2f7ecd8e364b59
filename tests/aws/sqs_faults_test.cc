// The queue against an SQS that fails as the test says.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <future>
#include <semaphore>
#include <thread>

#include "aws/fake_service.h"
#include "aws/sqs_test_queue.h"

namespace nanogrid {
namespace {

namespace json = boost::json;
using Code = absl::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

HttpResponse Fail(int status, const std::string& code) {
  return {.status = status,
          .body = R"({"__type":"com.amazonaws.sqs#)" + code + R"(","message":"m"})"};
}

// Answers by operation; what no test has set is answered as if all were well, and no messages.
class FakeSqs {
 public:
  using Operation = std::function<HttpResponse(const json::object& request)>;

  std::map<std::string, Operation> operations;
  FakeService service{[this](const HttpRequest& request) { return Answer(request); }};

  // Of batches: everything has gone well but what `failed` says, "INDEX": "CODE".
  static HttpResponse Batch(const json::object& request,
                            const std::map<std::string, std::string>& failed = {}) {
    json::array done, wrong;
    for (const json::value& each : request.at("Entries").as_array()) {
      const json::string& id = each.at("Id").as_string();
      const auto found = failed.find(std::string(id.data(), id.size()));
      if (found == failed.end()) {
        done.push_back(
            json::object{{"Id", id}, {"MessageId", "m" + std::string(id.data(), id.size())}});
      } else {
        wrong.push_back(json::object{{"Id", id},
                                     {"Code", found->second},
                                     {"SenderFault", found->second.starts_with("Invalid") ||
                                                         found->second.starts_with("Receipt")}});
      }
    }
    return {.body = json::serialize(json::object{{"Successful", done}, {"Failed", wrong}})};
  }
  static HttpResponse Messages(int count, int from = 0) {
    json::array messages;
    for (int i = from; i < from + count; ++i) {
      messages.push_back(json::object{{"MessageId", "m" + std::to_string(i)},
                                      {"ReceiptHandle", "r" + std::to_string(i)},
                                      {"Body", std::to_string(i)}});
    }
    return {.body = json::serialize(json::object{{"Messages", messages}})};
  }

  std::unique_ptr<aws::SqsQueue> Open(SqsOptions options = {}) const {
    options.queue = "queue";
    options.wait = seconds(1);
    return OpenSqs(service.url(), options);
  }

 private:
  HttpResponse Answer(const HttpRequest& request) {
    std::string name(request.headers.Get("X-Amz-Target"));
    name.erase(0, name.find('.') + 1);
    const json::object body = json::parse({request.body.data(), request.body.size()}).as_object();
    if (const auto found = operations.find(name); found != operations.end()) {
      return found->second(body);
    }
    if (name == "GetQueueUrl") return {.body = R"({"QueueUrl":"http://sqs/1/queue"})"};
    if (name == "ReceiveMessage") return {.body = "{}"};
    return Batch(body);
  }
};

size_t EntriesOf(const json::object& request) { return request.at("Entries").as_array().size(); }

TEST(SqsFaults, AQueueThatIsNotThereIsNotFound) {
  FakeSqs sqs;
  sqs.operations["GetQueueUrl"] = [](const json::object&) {
    return Fail(400, "QueueDoesNotExist");
  };
  const auto queue = sqs.Open();
  const Status sent = queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).status();
  EXPECT_EQ(sent.code(), Code::kNotFound);
  EXPECT_THAT(std::string(sent.message()), HasSubstr("QueueDoesNotExist"));
  EXPECT_EQ(queue->Receive(Context{}, {}).status().code(), Code::kNotFound);
  EXPECT_EQ(queue->Depth(Context{}).status().code(), Code::kNotFound);
}

TEST(SqsFaults, OnlyEntriesThatFailedAreSentAgain) {
  FakeSqs sqs;
  std::vector<size_t> batches;
  sqs.operations["SendMessageBatch"] = [&](const json::object& request) {
    batches.push_back(EntriesOf(request));
    if (batches.size() > 1) return FakeSqs::Batch(request);
    return FakeSqs::Batch(request, {{"1", "InternalError"}, {"2", "ServiceUnavailable"}});
  };
  const auto queue = sqs.Open();
  const auto ids = queue->Send(Context{}, std::vector<Message>(4, {.body = "a"}));
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_THAT(*ids, testing::ElementsAre("m0", "m0", "m1", "m3"));
  EXPECT_THAT(batches, testing::ElementsAre(4, 2));
}

TEST(SqsFaults, AnEntryThatIsWrongIsAnError) {
  FakeSqs sqs;
  sqs.operations["SendMessageBatch"] = [&](const json::object& request) {
    return FakeSqs::Batch(request, {{"0", "InvalidMessageContents"}});
  };
  const Status status = sqs.Open()->Send(Context{}, std::vector<Message>{{.body = "a"}}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("InvalidMessageContents"));
}

TEST(SqsFaults, BatchesAreSplitByNumberAndSize) {
  FakeSqs sqs;
  std::multiset<size_t> batches;
  sqs.operations["SendMessageBatch"] = [&](const json::object& request) {
    batches.insert(EntriesOf(request));
    return FakeSqs::Batch(request);
  };
  const auto queue = sqs.Open();
  std::vector<Message> messages(25, {.body = "a"});
  ASSERT_TRUE(queue->Send(Context{}, messages).ok());
  EXPECT_EQ(batches, (std::multiset<size_t>{10, 10, 5}));
  batches.clear();
  messages.assign(5, {.body = std::string(100 << 10, 'x')});
  ASSERT_TRUE(queue->Send(Context{}, messages).ok());
  EXPECT_EQ(batches, (std::multiset<size_t>{2, 2, 1}));
}

TEST(SqsFaults, ThrottlingIsWaitedOutAndThenSaid) {
  FakeSqs sqs;
  std::atomic<int> left = 2;
  sqs.operations["SendMessageBatch"] = [&](const json::object& request) {
    return left-- > 0 ? Fail(400, "RequestThrottled") : FakeSqs::Batch(request);
  };
  const auto queue = sqs.Open();
  EXPECT_TRUE(queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).ok());
  left = 1000;
  EXPECT_EQ(queue->Send(Context{}, std::vector<Message>{{.body = "a"}}).status().code(),
            Code::kResourceExhausted);
}

TEST(SqsFaults, AcknowledgementsAreRepeatedUntilTheyAreTaken) {
  FakeSqs sqs;
  std::atomic<int> answers = 0;
  std::atomic<size_t> deleted = 0;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return FakeSqs::Messages(3); };
  sqs.operations["DeleteMessageBatch"] = [&](const json::object& request) {
    if (answers++ < 4) return Fail(500, "InternalFailure");
    deleted += EntriesOf(request);
    return FakeSqs::Batch(request);
  };
  {
    const auto queue = sqs.Open();
    const auto deliveries = queue->Receive(Context{}, {3, seconds(30)});
    ASSERT_TRUE(deliveries.ok()) << deliveries.status();
    for (const Delivery& each : *deliveries) {
      EXPECT_TRUE(queue->Ack(Context{}, std::vector{each.receipt}).ok());
    }
    while (deleted < 3) std::this_thread::yield();
  }
  EXPECT_EQ(deleted, 3u);
}

TEST(SqsFaults, AcknowledgementsThatAreRefusedForGoodAreSaid) {
  FakeSqs sqs;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return FakeSqs::Messages(1); };
  sqs.operations["DeleteMessageBatch"] = [](const json::object&) {
    return Fail(403, "AccessDenied");
  };
  const auto queue = sqs.Open({.ack_linger = milliseconds(0)});
  Status status = absl::OkStatus();
  while (status.ok()) {
    const auto deliveries = queue->Receive(Context{}, {1, seconds(1)});
    ASSERT_TRUE(deliveries.ok() && deliveries->size() == 1);
    status = queue->Ack(Context{}, std::vector{(*deliveries)[0].receipt});
  }
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
}

TEST(SqsFaults, AnAcknowledgementWaitsForOthersNoLongerThanItsLease) {
  FakeSqs sqs;
  std::atomic<size_t> deleted = 0;
  sqs.operations["DeleteMessageBatch"] = [&](const json::object& request) {
    deleted += EntriesOf(request);
    return FakeSqs::Batch(request);
  };
  aws::SqsCalls calls(TestClient(aws::kSqs, sqs.service.url()), "queue");
  aws::SqsAcknowledger acknowledger(calls, std::chrono::hours(24));
  const auto now = std::chrono::steady_clock::now();
  acknowledger.Add({{.receipt = "long", .ends = now + std::chrono::hours(12)},
                    {.receipt = "short", .ends = now + seconds(2)}});
  while (deleted < 2) std::this_thread::sleep_for(milliseconds(10));
}

TEST(SqsFaults, WhatWasAcknowledgedIsDeletedBeforeTheQueueIsGone) {
  FakeSqs sqs;
  std::atomic<size_t> deleted = 0;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return FakeSqs::Messages(3); };
  sqs.operations["DeleteMessageBatch"] = [&](const json::object& request) {
    deleted += EntriesOf(request);
    return FakeSqs::Batch(request);
  };
  auto queue = sqs.Open({.ack_linger = seconds(5)});
  const auto deliveries = queue->Receive(Context{}, {3, seconds(30)});
  ASSERT_TRUE(deliveries.ok() && deliveries->size() == 3);
  std::vector<Receipt> receipts;
  for (const Delivery& each : *deliveries) receipts.push_back(each.receipt);
  ASSERT_TRUE(queue->Ack(Context{}, receipts).ok());
  queue.reset();
  EXPECT_EQ(deleted, 3u);
}

TEST(SqsFaults, AnExtensionThatSqsRefusesMeansALostLease) {
  FakeSqs sqs;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return FakeSqs::Messages(2); };
  sqs.operations["ChangeMessageVisibilityBatch"] = [](const json::object& request) {
    return FakeSqs::Batch(request, {{"1", "ReceiptHandleIsInvalid"}});
  };
  const auto queue = sqs.Open();
  ASSERT_EQ(queue->Receive(Context{}, {2, seconds(30)})->size(), 2u);
  const std::vector<Receipt> receipts = {"r0", "r1"};
  const auto lost = queue->Extend(Context{}, receipts, seconds(60));
  ASSERT_TRUE(lost.ok()) << lost.status();
  EXPECT_THAT(*lost, testing::ElementsAre("r1"));
  sqs.operations["ChangeMessageVisibilityBatch"] = [](const json::object&) {
    return Fail(500, "InternalFailure");
  };
  EXPECT_EQ(queue->Extend(Context{}, receipts, seconds(60)).status().code(), Code::kUnavailable)
      << "nobody knows whether they are lost";
}

TEST(SqsFaults, ALeaseIsCutToWhatSqsAllows) {
  FakeSqs sqs;
  int64_t asked = 0;
  sqs.operations["ReceiveMessage"] = [&](const json::object& request) {
    asked = request.at("VisibilityTimeout").as_int64();
    return FakeSqs::Messages(1);
  };
  sqs.operations["ChangeMessageVisibilityBatch"] = [&](const json::object& request) {
    asked = request.at("Entries").at(0).at("VisibilityTimeout").as_int64();
    return FakeSqs::Batch(request);
  };
  const auto queue = sqs.Open({.max_lease = seconds(100)});
  ASSERT_EQ(queue->Receive(Context{}, {1, std::chrono::hours(1)})->size(), 1u);
  EXPECT_EQ(asked, 100);
  const std::vector<Receipt> receipts = {"r0"};
  EXPECT_TRUE(queue->Extend(Context{}, receipts, std::chrono::hours(1))->empty());
  EXPECT_LT(asked, 95);
  EXPECT_GT(asked, 0);
}

TEST(SqsFaults, ALeaseThatMayNotBecomeLongerIsLost) {
  FakeSqs sqs;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return FakeSqs::Messages(1); };
  const auto queue = sqs.Open({.max_lease = seconds(1)});
  ASSERT_EQ(queue->Receive(Context{}, {1, seconds(30)})->size(), 1u);
  const std::vector<Receipt> receipts = {"r0"};
  EXPECT_EQ(*queue->Extend(Context{}, receipts, seconds(30)), receipts);
}

TEST(SqsFaults, TroubleWithReceivingIsSaid) {
  FakeSqs sqs;
  sqs.operations["ReceiveMessage"] = [](const json::object&) { return Fail(403, "AccessDenied"); };
  const auto queue = sqs.Open();
  EXPECT_EQ(queue->Receive(Context{}, {}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(queue->Receive(Context{}, {}).status().code(), Code::kPermissionDenied);
}

// A poll is not cut off: what it receives is not lost from sight.
TEST(SqsFaults, WhatAPollReceivesAfterItsCallerHasGoneIsTheNextOnes) {
  FakeSqs sqs;
  std::binary_semaphore polled(0), go_on(0);
  std::atomic<int> polls = 0;
  sqs.operations["ReceiveMessage"] = [&](const json::object&) {
    if (polls++ > 0) return HttpResponse{.body = "{}"};
    polled.release();
    go_on.acquire();
    return FakeSqs::Messages(1);
  };
  const auto queue = sqs.Open();
  std::stop_source stop;
  std::jthread receiver([&] {
    const auto none = queue->Receive(Context::WithStop(stop.get_token()), {1, seconds(30)});
    EXPECT_TRUE(none.ok() && none->empty());
  });
  polled.acquire();
  stop.request_stop();
  receiver.join();
  go_on.release();
  const auto deliveries = queue->Receive(Context{}, {1, seconds(30)});
  ASSERT_TRUE(deliveries.ok()) << deliveries.status();
  ASSERT_EQ(deliveries->size(), 1u);
  EXPECT_EQ((*deliveries)[0].body, "0");
}

TEST(SqsFaults, WhatNobodyTakesIsGivenBack) {
  FakeSqs sqs;
  std::binary_semaphore polled(0), go_on(0);
  std::promise<int64_t> given_back;
  sqs.operations["ReceiveMessage"] = [&](const json::object&) {
    polled.release();
    go_on.acquire();
    return FakeSqs::Messages(1);
  };
  sqs.operations["ChangeMessageVisibilityBatch"] = [&](const json::object& request) {
    given_back.set_value(request.at("Entries").at(0).at("VisibilityTimeout").as_int64());
    return FakeSqs::Batch(request);
  };
  const auto queue = sqs.Open();
  std::stop_source stop;
  std::jthread receiver(
      [&] { EXPECT_TRUE(queue->Receive(Context::WithStop(stop.get_token()), {}).ok()); });
  polled.acquire();
  stop.request_stop();
  receiver.join();
  go_on.release();
  EXPECT_EQ(given_back.get_future().get(), 0);
}

TEST(SqsFaults, WhatCannotBeRenewedKeepsItsPlace) {
  FakeSqs sqs;
  std::atomic<int> polls = 0, renewals = 0;
  sqs.operations["ReceiveMessage"] = [&](const json::object&) {
    return polls++ == 0 ? FakeSqs::Messages(3) : FakeSqs::Messages(2, 1);  // given back meanwhile
  };
  sqs.operations["ChangeMessageVisibilityBatch"] = [&](const json::object& request) {
    const bool renews = request.at("Entries").at(0).at("VisibilityTimeout").as_int64() > 0;
    return renews && renewals++ == 0 ? Fail(403, "AccessDenied") : FakeSqs::Batch(request);
  };
  const auto queue = sqs.Open();
  ASSERT_EQ(queue->Receive(Context{}, {1, seconds(30)})->front().body, "0");
  // With another lease than it was received with.
  ASSERT_EQ(queue->Receive(Context{}, {1, seconds(10)}).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(queue->Receive(Context{}, {1, seconds(10)})->front().body, "1");
}

TEST(SqsFaults, FullBatchesAreFilledUpToWhatIsWanted) {
  FakeSqs sqs;
  std::atomic<int> given = 0;
  sqs.operations["ReceiveMessage"] = [&](const json::object&) {
    const int from = given;
    const int count = std::min(10, 37 - from);
    given += count;
    return FakeSqs::Messages(count, from);
  };
  const auto queue = sqs.Open();
  const auto deliveries = queue->Receive(Context{}, {100, seconds(30)});
  ASSERT_TRUE(deliveries.ok()) << deliveries.status();
  EXPECT_EQ(deliveries->size(), 37u);
}

TEST(SqsUris, NameAQueue) {
  const auto parse = [](const std::string& uri) {
    const auto options = aws::ParseSqsUri(*Uri::Parse(uri), {});
    EXPECT_TRUE(options.ok()) << options.status();
    return *options;
  };
  EXPECT_EQ(parse("sqs://tasks?region=eu-west-1").queue, "tasks");
  EXPECT_EQ(parse("sqs://tasks?region=eu-west-1").aws.region, "eu-west-1");
  EXPECT_EQ(parse("sqs:Tasks.fifo?group=").queue, "Tasks.fifo");
  EXPECT_EQ(parse("sqs:Tasks.fifo?group=").group, "");
  const SqsOptions url = parse("sqs://sqs.eu-west-3.amazonaws.com/123456789012/Tasks");
  EXPECT_EQ(url.queue, "https://sqs.eu-west-3.amazonaws.com/123456789012/Tasks");
  EXPECT_EQ(url.aws.region, "eu-west-3");
  EXPECT_EQ(url.aws.endpoint, "https://sqs.eu-west-3.amazonaws.com");
  const SqsOptions local = parse(
      "sqs://127.0.0.1:5000/1/q?endpoint=http://"
      "127.0.0.1:5000&wait=2s&max_lease=1m&ack_linger=5ms");
  EXPECT_EQ(local.aws.endpoint, "http://127.0.0.1:5000");
  EXPECT_EQ(local.wait, seconds(2));
  EXPECT_EQ(local.max_lease, std::chrono::minutes(1));
  EXPECT_EQ(local.ack_linger, milliseconds(5));
}

TEST(SqsUris, ThatAreWrongAreRefused) {
  for (const char* const uri :
       {"sqs:", "sqs:a b", "sqs://", "sqs://q?wait=0s", "sqs://q?wait=21s", "sqs://q?max_lease=13h",
        "sqs://q?queue=x", "sqs://q?wait=soon", "sqs:a.b"}) {
    const auto parsed = Uri::Parse(uri);
    if (!parsed.ok()) continue;
    EXPECT_EQ(aws::ParseSqsUri(*parsed, {}).status().code(), Code::kInvalidArgument) << uri;
  }
  EXPECT_EQ(MakeSqsQueue(*Uri::Parse("sqs://q?endpoint=ftp://x")).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace nanogrid
