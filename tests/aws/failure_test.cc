// Answers that are no success, and XML.
#include "aws/failure.h"

#include <gmock/gmock.h>

#include "aws/xml.h"

namespace nanogrid::aws {
namespace {

using Code = absl::StatusCode;

struct Case {
  const char* name;
  HttpResponse response;
  const char* code;
  Remedy remedy;
  Code status;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

class Failures : public testing::TestWithParam<Case> {};

TEST_P(Failures, AreReadAndMapped) {
  const Failure failure = ParseFailure(GetParam().response);
  EXPECT_EQ(failure.code, GetParam().code);
  EXPECT_EQ(RemedyFor(failure), GetParam().remedy);
  const Status status = FailureStatus(failure, "sqs Call");
  EXPECT_EQ(status.code(), GetParam().status) << status;
  EXPECT_EQ(FailureCode(status), GetParam().code);
  EXPECT_EQ(FailureHttpStatus(status), GetParam().response.status);
  EXPECT_THAT(std::string(status.message()), testing::StartsWith("sqs Call: "));
}

HttpResponse Json(int status, std::string body, HttpHeaders headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}
HttpResponse S3(int status, const std::string& code) {
  return {.status = status,
          .body = "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
                  "</Code><Message>m</Message></Error>"};
}

INSTANTIATE_TEST_SUITE_P(
    Services, Failures,
    testing::Values(
        Case{"sqs",
             Json(400, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The …"})",
                  {{"x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"}}),
             "QueueDoesNotExist", Remedy::kNone, Code::kNotFound},
        Case{"sqs of old",
             Json(400, R"({"message":"x"})",
                  {{"x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"}}),
             "NonExistentQueue", Remedy::kNone, Code::kNotFound},
        Case{
            "dynamodb",
            Json(
                400,
                R"({"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Message":"x"})"),
            "ConditionalCheckFailedException", Remedy::kNone, Code::kAborted},
        Case{
            "dynamodb fast",
            Json(
                400,
                R"({"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"})"),
            "ProvisionedThroughputExceededException", Remedy::kSlowDown, Code::kResourceExhausted},
        Case{"header",
             Json(400, "{}",
                  {{"x-amzn-ErrorType", "ResourceNotFoundException:http://internal.amazon.com/"}}),
             "ResourceNotFoundException", Remedy::kNone, Code::kNotFound},
        Case{"query",
             Json(400,
                  "<ErrorResponse "
                  "xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</"
                  "Type><Code>Throttling</Code><Message>Rate "
                  "exceeded</Message></Error></ErrorResponse>"),
             "Throttling", Remedy::kSlowDown, Code::kResourceExhausted},
        Case{"ec2",
             Json(503,
                  "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></"
                  "Response>"),
             "RequestLimitExceeded", Remedy::kSlowDown, Code::kResourceExhausted},
        Case{"s3 missing", S3(404, "NoSuchKey"), "NoSuchKey", Remedy::kNone, Code::kNotFound},
        Case{"s3 busy", S3(503, "SlowDown"), "SlowDown", Remedy::kSlowDown,
             Code::kResourceExhausted},
        Case{"s3 condition", S3(412, "PreconditionFailed"), "PreconditionFailed", Remedy::kNone,
             Code::kAborted},
        Case{"s3 elsewhere", S3(301, "PermanentRedirect"), "PermanentRedirect", Remedy::kNone,
             Code::kFailedPrecondition},
        Case{"s3 clock", S3(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed", Remedy::kClock,
             Code::kPermissionDenied},
        Case{"head", {.status = 404}, "", Remedy::kNone, Code::kNotFound},
        Case{"bad gateway", Json(502, "<html>bad <b>gateway</html>"), "", Remedy::kRetry,
             Code::kUnavailable},
        Case{"too many", {.status = 429}, "", Remedy::kSlowDown, Code::kResourceExhausted},
        Case{"trouble", Json(500, R"({"__type":"InternalFailure"})"), "InternalFailure",
             Remedy::kRetry, Code::kUnavailable},
        Case{"expired", Json(400, R"({"__type":"ExpiredTokenException"})"), "ExpiredTokenException",
             Remedy::kCredentials, Code::kPermissionDenied},
        Case{
            "old signature",
            Json(
                400,
                R"({"__type":"InvalidSignatureException","message":"Signature expired: 2015 is now earlier than 2016"})"),
            "InvalidSignatureException", Remedy::kClock, Code::kPermissionDenied},
        Case{"denied", Json(400, R"({"__type":"AccessDeniedException"})"), "AccessDeniedException",
             Remedy::kNone, Code::kPermissionDenied},
        Case{"full", Json(403, R"({"__type":"com.amazonaws.sqs#OverLimit"})"), "OverLimit",
             Remedy::kNone, Code::kResourceExhausted},
        Case{"exists", Json(400, R"({"__type":"ResourceExistsException"})"),
             "ResourceExistsException", Remedy::kNone, Code::kAlreadyExists},
        Case{"wrong", Json(400, R"({"__type":"ValidationException"})"), "ValidationException",
             Remedy::kNone, Code::kInvalidArgument},
        Case{"strange",
             {.status = 600, .body = "{\"__type\": 7}"},
             "",
             Remedy::kNone,
             Code::kInternal}));

TEST(Failure, NamesTheRegionWhereABucketIs) {
  HttpResponse response = S3(301, "PermanentRedirect");
  response.headers.Add("x-amz-bucket-region", "eu-west-3");
  EXPECT_THAT(std::string(FailureStatus(ParseFailure(response), "s3 GetObject").message()),
              testing::HasSubstr("region=eu-west-3"));
}

TEST(Failure, ShowsNothingOfWhatWasSigned) {
  const Failure failure = ParseFailure(Json(
      403,
      R"({"__type":"InvalidSignatureException","message":"The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:SECRET'"})"));
  EXPECT_EQ(failure.message, "The request signature we calculated does not match.");
}

TEST(Failure, IsOneLineOfBoundedLength) {
  const Failure failure =
      ParseFailure(Json(400, R"({"__type":"X","message":"a\nb)" + std::string(5000, 'x') + "\"}"));
  EXPECT_EQ(failure.message.substr(0, 4), "a bx");
  EXPECT_EQ(failure.message.size(), 1000u);
}

TEST(Failure, OfSomebodyElseHasNoCode) {
  EXPECT_EQ(FailureCode(absl::UnavailableError("x")), "");
  EXPECT_EQ(FailureHttpStatus(absl::OkStatus()), 0);
}

TEST(Xml, IsATreeWithoutNamespaces) {
  const auto root = ParseXml(
      "<?xml version='1.0'?><a:Answer xmlns:a='x'><List><m>1</m><m> "
      "2&lt;&#65;<![CDATA[<]]></m></List>"
      "<Empty/></a:Answer>");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->name, "Answer");
  ASSERT_NE(root->Find("List"), nullptr);
  ASSERT_EQ(root->Find("List")->children.size(), 2u);
  EXPECT_EQ(root->Find("List")->children[1].text, " 2<A<");
  EXPECT_EQ(root->Text("List/m"), "1");
  EXPECT_EQ(root->Text("Empty"), "");
  EXPECT_EQ(root->Find("List/x"), nullptr);
  EXPECT_EQ(root->Find("")->name, "Answer");
}

TEST(Xml, RefusesWhatIsBrokenDeepOrABomb) {
  std::string deep, bomb = "<!DOCTYPE a [<!ENTITY x0 'x'>";
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (int i = 1; i < 30; ++i) {
    bomb += "<!ENTITY x" + std::to_string(i) + " '&x" + std::to_string(i - 1) + ";&x" +
            std::to_string(i - 1) + ";'>";
  }
  bomb += "]><a>&x29;</a>";
  for (const std::string& text : {std::string(), std::string("x"), std::string("<a>"),
                                  std::string("<a></b>"), std::string("<a/><b/>"), deep, bomb}) {
    EXPECT_EQ(ParseXml(text).status().code(), Code::kDataLoss) << text.substr(0, 20);
  }
}

TEST(Xml, EscapesWhatMarksUp) {
  EXPECT_EQ(EscapeXml("<a b='\"&'>"), "&lt;a b=&apos;&quot;&amp;&apos;&gt;");
}

}  // namespace
}  // namespace nanogrid::aws
