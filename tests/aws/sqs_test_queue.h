// New queues on a double of SQS.
#pragma once

#include "aws/service_double.h"
#include "aws/sqs/queue.h"

namespace nanogrid {

// Its name.
inline std::string NewSqsQueue(const std::string& endpoint, bool fifo = false) {
  std::string name = UniqueName("queue") + (fifo ? ".fifo" : "");
  const auto made = TestClient(aws::kSqs, endpoint)
                        ->Json(Context{}, "CreateQueue",
                               R"({"QueueName":")" + name + "\"" +
                                   (fifo ? R"(,"Attributes":{"FifoQueue":"true"}})" : "}"));
  EXPECT_TRUE(made.ok()) << made.status();
  return name;
}

inline std::unique_ptr<aws::SqsQueue> OpenSqs(const std::string& endpoint, SqsOptions options) {
  options.aws.endpoint = endpoint;
  auto queue = aws::OpenSqsQueue(*TestSession(), options);
  EXPECT_TRUE(queue.ok()) << queue.status();
  return *std::move(queue);
}

}  // namespace nanogrid
