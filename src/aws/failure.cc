#include "aws/failure.h"

#include <absl/strings/cord.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <iterator>

#include "aws/xml.h"
#include "core/errors.h"
#include "core/json.h"

namespace nanogrid::aws {
namespace {

namespace json = boost::json;
using Code = absl::StatusCode;

constexpr char kCodePayload[] = "nanogrid/aws-code";
constexpr char kHttpPayload[] = "nanogrid/aws-http-status";
constexpr size_t kMaxMessage = 1000;

template <size_t N>
bool IsOneOf(std::string_view code, const std::string_view (&codes)[N]) {
  return std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
}

// What services call "too fast"; the last three mean "wait for what is going on".
constexpr std::string_view kThrottled[] = {"Throttling",
                                           "ThrottlingException",
                                           "ThrottledException",
                                           "RequestThrottledException",
                                           "RequestThrottled",
                                           "TooManyRequestsException",
                                           "ProvisionedThroughputExceededException",
                                           "RequestLimitExceeded",
                                           "BandwidthLimitExceeded",
                                           "SlowDown",
                                           "EC2ThrottledException",
                                           "KmsThrottled",
                                           "PriorRequestNotComplete",
                                           "TransactionInProgressException",
                                           "ReplicatedWriteConflictException"};
constexpr std::string_view kTransient[] = {
    "RequestTimeout",       "RequestTimeoutException", "InternalError",
    "InternalFailure",      "InternalServerError",     "InternalServiceError",
    "ServiceUnavailable",   "InternalServerException", "ServiceUnavailableException",
    "IDPCommunicationError"};
constexpr std::string_view kExpired[] = {"ExpiredToken", "ExpiredTokenException",
                                         "TokenRefreshRequired"};
constexpr std::string_view kClock[] = {"RequestTimeTooSkewed", "RequestExpired",
                                       "RequestInTheFuture"};
// Wrong for many reasons, of which the clock is one.
constexpr std::string_view kSignature[] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                                           "AuthFailure"};
constexpr std::string_view kDenied[] = {"AccessDenied",
                                        "AccessDeniedException",
                                        "UnrecognizedClientException",
                                        "InvalidClientTokenId",
                                        "InvalidAccessKeyId",
                                        "InvalidSecurity",
                                        "MissingAuthenticationToken",
                                        "MissingAuthenticationTokenException",
                                        "IncompleteSignature",
                                        "OptInRequired",
                                        "NotAuthorized",
                                        "UnauthorizedOperation",
                                        "InvalidIdentityToken",
                                        "IDPRejectedClaim",
                                        "KmsAccessDenied",
                                        "InvalidToken"};
constexpr std::string_view kMissing[] = {
    "QueueDoesNotExist", "NonExistentQueue",     "ResourceNotFoundException",
    "NoSuchKey",         "NoSuchBucket",         "NoSuchUpload",
    "NoSuchVersion",     "QueueDeletedRecently", "TableNotFoundException"};
constexpr std::string_view kConflict[] = {"ConditionalCheckFailedException",
                                          "TransactionCanceledException",
                                          "TransactionConflictException",
                                          "PreconditionFailed",
                                          "ConditionalRequestConflict",
                                          "OperationAborted",
                                          "ScalingActivityInProgress",
                                          "ResourceContention",
                                          "ResourceInUse"};
constexpr std::string_view kExists[] = {"QueueNameExists",        "ResourceExistsException",
                                        "ResourceInUseException", "AlreadyExists",
                                        "BucketAlreadyExists",    "BucketAlreadyOwnedByYou"};
constexpr std::string_view kFull[] = {"OverLimit", "LimitExceededException", "LimitExceeded",
                                      "ServiceQuotaExceededException",
                                      "ItemCollectionSizeLimitExceededException"};
constexpr std::string_view kUnready[] = {
    "PermanentRedirect",  "TemporaryRedirect",    "AuthorizationHeaderMalformed",
    "InvalidObjectState", "KmsDisabled",          "KmsInvalidState",
    "KmsNotFound",        "PurgeQueueInProgress", "DecryptionFailure"};

// "com.amazonaws.sqs#QueueDoesNotExist:http://…" and
// "AWS.SimpleQueueService.NonExistentQueue;Sender".
std::string BareCode(std::string_view code) {
  code = code.substr(0, code.find_first_of(":;"));
  if (const size_t hash = code.rfind('#'); hash != code.npos) code.remove_prefix(hash + 1);
  if (const size_t dot = code.rfind('.'); dot != code.npos) code.remove_prefix(dot + 1);
  const bool plain =
      code.size() <= 100 && std::all_of(code.begin(), code.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-';
      });
  return plain ? std::string(code) : "";
}

void ReadJson(std::string_view body, Failure& failure) {
  if (!CheckJson(body).ok()) return;
  const json::value value = json::parse({body.data(), body.size()});
  const json::object* const object = value.if_object();
  if (object == nullptr) return;
  const auto text = [object](json::string_view name) -> std::string_view {
    const json::value* const found = object->if_contains(name);
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
  };
  if (failure.code.empty()) failure.code = BareCode(text("__type"));
  if (failure.code.empty()) failure.code = BareCode(text("code"));
  failure.message = text("message");
  if (failure.message.empty()) failure.message = text("Message");
}

// <ErrorResponse><Error>…, or S3's <Error>….
void ReadXml(std::string_view body, Failure& failure) {
  const Result<XmlElement> root = ParseXml(body);
  if (!root.ok()) return;
  const XmlElement* error = root->Find("Error");
  if (error == nullptr) error = root->Find("Errors/Error");
  if (error == nullptr) error = &*root;
  if (failure.code.empty()) failure.code = BareCode(error->Text("Code"));
  failure.message = error->Text("Message");
  if (failure.region.empty()) failure.region = error->Text("Region");
}

// What a person reads in one line of a log.
std::string Clean(std::string_view text) {
  std::string clean(text.substr(0, kMaxMessage));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return clean;
}

Code StatusCodeFor(const Failure& failure) {
  switch (RemedyFor(failure)) {
    case Remedy::kSlowDown:
      return Code::kResourceExhausted;
    case Remedy::kRetry:
      return Code::kUnavailable;
    case Remedy::kCredentials:
      return Code::kPermissionDenied;
    case Remedy::kClock:
    case Remedy::kNone:
      break;
  }
  const std::string_view code = failure.code;
  if (IsOneOf(code, kUnready)) return Code::kFailedPrecondition;
  if (IsOneOf(code, kDenied) || IsOneOf(code, kSignature) || IsOneOf(code, kClock)) {
    return Code::kPermissionDenied;
  }
  if (IsOneOf(code, kMissing)) return Code::kNotFound;
  if (IsOneOf(code, kConflict)) return Code::kAborted;
  if (IsOneOf(code, kExists)) return Code::kAlreadyExists;
  if (IsOneOf(code, kFull)) return Code::kResourceExhausted;
  switch (failure.http_status) {
    case 301:
    case 302:
    case 307:
    case 308:
      return Code::kFailedPrecondition;
    case 401:
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 405:
    case 501:
      return Code::kUnimplemented;
    case 409:
    case 412:
      return Code::kAborted;
    case 416:
      return Code::kOutOfRange;
    default:
      break;
  }
  return failure.http_status >= 400 && failure.http_status < 500 ? Code::kInvalidArgument
                                                                 : Code::kInternal;
}

}  // namespace

Failure ParseFailure(const HttpResponse& response) {
  Failure failure{.http_status = response.status};
  // Of services that once spoke the query protocol: the code that its clients knew. The newer name
  // is preferred where there is one, as it is what the documentation of today says.
  failure.code = BareCode(response.headers.Get("x-amzn-ErrorType"));
  failure.region = response.headers.Get("x-amz-bucket-region");
  const size_t first = response.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && response.body[first] == '{') {
    ReadJson(response.body, failure);
  } else if (first != std::string::npos && response.body[first] == '<') {
    ReadXml(response.body, failure);
  }
  if (failure.code.empty()) failure.code = BareCode(response.headers.Get("x-amzn-query-error"));
  // A service that disagrees with a signature shows what it signed, session token included.
  if (IsOneOf(failure.code, kSignature)) {
    failure.message.resize(std::min(failure.message.find('\n'), failure.message.size()));
    failure.message.resize(std::min(failure.message.find("The Canonical"), failure.message.size()));
  }
  failure.message = Clean(failure.message);
  failure.region = Clean(failure.region);
  return failure;
}

Remedy RemedyFor(const Failure& failure) {
  if (IsOneOf(failure.code, kThrottled) || failure.http_status == 429 ||
      failure.http_status == 509) {
    return Remedy::kSlowDown;
  }
  if (IsOneOf(failure.code, kExpired)) return Remedy::kCredentials;
  if (IsOneOf(failure.code, kClock)) return Remedy::kClock;
  // "Signature expired: 20150830T123600Z is now earlier than …", "Signature not yet current: …".
  if (IsOneOf(failure.code, kSignature) &&
      (failure.message.find("expired") != std::string::npos ||
       failure.message.find("not yet current") != std::string::npos)) {
    return Remedy::kClock;
  }
  if (IsOneOf(failure.code, kTransient) || failure.http_status == 500 ||
      failure.http_status == 502 || failure.http_status == 503 || failure.http_status == 504) {
    return Remedy::kRetry;
  }
  return Remedy::kNone;
}

Status FailureStatus(const Failure& failure, std::string_view action) {
  std::string text = fmt::format("{}:", action);
  if (!failure.code.empty()) text += fmt::format(" {}:", failure.code);
  if (!failure.message.empty()) text += fmt::format(" {}", failure.message);
  text += fmt::format(" (HTTP {})", failure.http_status);
  if (!failure.region.empty()) {
    text += fmt::format("; it is in region {}: set region={}", failure.region, failure.region);
  }
  Status status(StatusCodeFor(failure), text);
  status.SetPayload(kCodePayload, absl::Cord(failure.code));
  status.SetPayload(kHttpPayload, absl::Cord(std::to_string(failure.http_status)));
  return status;
}

std::string FailureCode(const Status& status) {
  const auto payload = status.GetPayload(kCodePayload);
  return payload ? std::string(*payload) : std::string();
}

int FailureHttpStatus(const Status& status) {
  const auto payload = status.GetPayload(kHttpPayload);
  const std::string text = payload ? std::string(*payload) : std::string();
  int http_status = 0;
  std::from_chars(text.data(), text.data() + text.size(), http_status);
  return http_status;
}

}  // namespace nanogrid::aws
