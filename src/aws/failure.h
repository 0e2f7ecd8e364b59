// What AWS says when it refuses: read from an answer, and what to do next.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "nanogrid/status.h"

namespace nanogrid::aws {

// An answer that is no success.
struct Failure {
  int http_status = 0;
  std::string code{};  // "QueueDoesNotExist"; without namespace; empty: none was given
  std::string message{};
  std::string region{};  // where S3 says that the bucket is; usually empty
};

// Reads x-amzn-query-error, x-amzn-ErrorType, "__type" of JSON, or <Code> and <Message> of XML.
// Never fails: what cannot be read leaves the HTTP status.
Failure ParseFailure(const HttpResponse& response);

// What may help.
enum class Remedy {
  kNone,         // final
  kRetry,        // the service had trouble: again, after a while
  kSlowDown,     // throttled: again, after a longer while
  kCredentials,  // they have expired: again with new ones
  kClock,        // this machine's clock is wrong: again with the service's time
};
Remedy RemedyFor(const Failure& failure);

// With the code that fits what the caller does next (status.h): "sqs SendMessageBatch:
// QueueDoesNotExist: The specified queue … (HTTP 400)". `action` begins the message.
Status FailureStatus(const Failure& failure, std::string_view action);

// AWS's code in a status of FailureStatus, such as "NoSuchKey"; empty if it is another's.
std::string FailureCode(const Status& status);
// Its HTTP status; 0 if it is another's.
int FailureHttpStatus(const Status& status);

}  // namespace nanogrid::aws
