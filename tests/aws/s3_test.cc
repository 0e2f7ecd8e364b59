// S3's protocol, and what the store makes of an S3 in trouble.
#include <gmock/gmock.h>

#include "aws/fake_service.h"
#include "aws/s3/protocol.h"
#include "aws/s3_test_bucket.h"
#include "core/sha256.h"
#include "http/scripted_server.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(S3Protocol, PlacesBucketsInTheHostOrInThePath) {
  const auto amazon = aws::ParseEndpoint("https://s3.eu-west-1.amazonaws.com");
  ASSERT_TRUE(amazon.ok());
  EXPECT_EQ(aws::PlaceBucket(*amazon, "b-1", false).endpoint,
            "https://b-1.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(aws::PlaceBucket(*amazon, "b-1", false).path, "");
  EXPECT_EQ(aws::PlaceBucket(*amazon, "b-1", true).path, "/b-1");
  EXPECT_EQ(aws::PlaceBucket(*amazon, "with.dots", false).path, "/with.dots");
  const auto own = aws::ParseEndpoint("http://127.0.0.1:9000/s3");
  EXPECT_EQ(aws::PlaceBucket(*own, "b-1", true).endpoint, "http://127.0.0.1:9000/s3");
}

TEST(S3Protocol, ChecksBucketNames) {
  for (const char* const good : {"abc", "a-b.c", "0_1"}) {
    EXPECT_TRUE(aws::CheckBucketName(good).ok()) << good;
  }
  for (const std::string& bad :
       {std::string("ab"), std::string("Abc"), std::string("a..b"), std::string("-ab"),
        std::string("ab-"), std::string("a/b"), std::string(64, 'a'), std::string()}) {
    EXPECT_EQ(aws::CheckBucketName(bad).code(), Code::kInvalidArgument) << bad;
  }
}

TEST(S3Protocol, EncodesNamesAndKeepsTheirSlashes) {
  EXPECT_EQ(aws::S3ObjectPath("a/b c/%+ä"), "/a/b%20c/%25%2B%C3%A4");
}

TEST(S3Protocol, ReadsListings) {
  const auto listing = aws::ParseS3Listing(
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t+1</NextContinuationToken>"
      "<Contents><Key>a+b/%2B%C3%A4</Key><Size>5</Size><ETag>&quot;e&quot;</ETag>"
      "<LastModified>2026-02-28T09:30:01.123Z</LastModified></Contents></ListBucketResult>");
  ASSERT_TRUE(listing.ok()) << listing.status();
  ASSERT_EQ(listing->objects.size(), 1u);
  EXPECT_EQ(listing->objects[0].key, "a b/+ä");
  EXPECT_EQ(listing->objects[0].etag, "e");
  EXPECT_EQ(listing->objects[0].size, 5u);
  EXPECT_EQ(listing->token, "t+1");
}

TEST(S3Protocol, RefusesWhatIsNoListing) {
  for (const char* const text :
       {"", "<a/>", "<ListBucketResult><Contents/></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key><Size>1</Size>"
        "<LastModified>2026-02-28T09:30:01Z</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>1</Size><LastModified>x</LastModified>"
        "</Contents></ListBucketResult>"}) {
    EXPECT_FALSE(aws::ParseS3Listing(text).ok()) << text;
  }
}

TEST(S3Protocol, EndsUploads) {
  EXPECT_EQ(aws::CompleteUploadXml({"a", "b&"}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>\"b&amp;\"</ETag></Part>"
            "</CompleteMultipartUpload>");
  EXPECT_EQ(*aws::ParseCompletionError("<CompleteMultipartUploadResult/>"), "");
  EXPECT_EQ(*aws::ParseCompletionError("<Error><Code>InternalError</Code></Error>"),
            "InternalError");
  EXPECT_FALSE(aws::ParseCompletionError("<Other/>").ok());
  EXPECT_EQ(*aws::ParseUploadId("<R><UploadId>u</UploadId></R>"), "u");
  EXPECT_FALSE(aws::ParseUploadId("<R/>").ok());
}

// A service that has one object, and does with requests what `meddle` says.
HttpResponse Head(const std::string& content) {
  return {.headers = {{"ETag", "\"e1\""}, {"Last-Modified", "Sat, 28 Feb 2026 09:30:01 GMT"}},
          .body = content};
}
S3Options FakeOptions() { return {.bucket = "bucket", .part_bytes = 5 << 20}; }

TEST(S3Store, ACutReadGoesOnWithTheSameVersion) {
  std::string second;
  const std::string version =
      "ETag: \"e1\"\r\n" + std::string(aws::kS3HashHeader) + ": " + Sha256Hex("content") + "\r\n";
  const ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n" + version + "\r\ncont"),
       [&](int connection) {
         second = ReadHead(connection);
         Say(connection, "HTTP/1.1 206 Partial\r\nContent-Length: 3\r\n" + version + "\r\nent");
       }});
  const auto store = OpenS3(server.url(), FakeOptions());
  const auto content = ReadObject(Context{}, *store, "k");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "content");
  EXPECT_THAT(second, HasSubstr("Range: bytes=4-\r\n"));
  EXPECT_THAT(second, HasSubstr("If-Match: \"e1\"\r\n"));
}

TEST(S3Store, ACutReadOfWhatIsGoneIsAborted) {
  const ScriptedServer server(
      {Answer("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"e1\"\r\n\r\ncont"),
       Answer("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n")});
  const auto store = OpenS3(server.url(), FakeOptions());
  EXPECT_EQ(ReadObject(Context{}, *store, "k").status().code(), Code::kAborted);
}

TEST(S3Store, ABodyThatIsNotWhatWasWrittenIsDataLoss) {
  FakeService service([](const HttpRequest&) {
    HttpResponse response = Head("changed");
    response.headers.Add(aws::kS3HashHeader, Sha256Hex("written"));
    return response;
  });
  const auto store = OpenS3(service.url(), FakeOptions());
  EXPECT_EQ(ReadObject(Context{}, *store, "k").status().code(), Code::kDataLoss);
}

TEST(S3Store, AWriteWhoseAnswerWasLostIsRecognised) {
  for (const bool own : {true, false}) {
    std::string id;
    int puts = 0;
    FakeService service([&](const HttpRequest& request) -> HttpResponse {
      if (request.method == "HEAD") {
        HttpResponse head = Head("");
        head.headers.Add(aws::kS3WriteHeader, own ? id : "somebody else's");
        return head;
      }
      EXPECT_EQ(request.headers.Get("If-None-Match"), "*");
      id = request.headers.Get(aws::kS3WriteHeader);
      return {.status = ++puts == 1 ? 500 : 412};
    });
    const auto store = OpenS3(service.url(), FakeOptions());
    EXPECT_EQ(WriteObject(Context{}, *store, "k", "", {.if_absent = true}).status().code(),
              own ? Code::kOk : Code::kAlreadyExists);
    EXPECT_EQ(puts, 2);
  }
}

TEST(S3Store, AnUploadThatFailsIsAborted) {
  std::vector<std::string> calls;
  FakeService service([&](const HttpRequest& request) -> HttpResponse {
    calls.push_back(request.method + " " + request.target.substr(0, request.target.find('&')));
    if (request.method == "POST") return {.body = "<R><UploadId>u</UploadId></R>"};
    return {.status = request.method == "DELETE" ? 204 : 403};
  });
  const auto store = OpenS3(service.url(), FakeOptions());
  EXPECT_EQ(WriteObject(Context{}, *store, "k", std::string(6 << 20, 'x')).status().code(),
            Code::kPermissionDenied);
  EXPECT_THAT(calls, ElementsAre("POST /bucket/k?uploads=", "PUT /bucket/k?partNumber=1",
                                 "DELETE /bucket/k?uploadId=u"));
}

TEST(S3Store, AnUploadThatChangesItsMindIsAnError) {
  FakeService service([&](const HttpRequest& request) -> HttpResponse {
    if (request.method == "POST" && request.target.ends_with("uploads=")) {
      return {.body = "<R><UploadId>u</UploadId></R>"};
    }
    if (request.method == "POST") return {.body = "<Error><Code>InternalError</Code></Error>"};
    return Head("");
  });
  const auto store = OpenS3(service.url(), FakeOptions());
  EXPECT_EQ(WriteObject(Context{}, *store, "k", std::string(6 << 20, 'x')).status().code(),
            Code::kUnavailable);
}

TEST(S3Uri, SaysWhatIsWrong) {
  const auto error = [](const char* uri) {
    const auto parsed = aws::ParseS3Uri(*Uri::Parse(uri), {});
    return std::string(parsed.status().message());
  };
  EXPECT_THAT(error("s3://ab"), HasSubstr("bucket 'ab'"));
  EXPECT_THAT(error("s3://abc?path_style=1"), HasSubstr("path_style '1'"));
  EXPECT_THAT(error("s3://abc?part_bytes=1M"), HasSubstr("5 MiB"));
  EXPECT_THAT(error("s3://abc?secret=x"), HasSubstr("secret"));
  EXPECT_THAT(error("s3://abc/a//b"), HasSubstr("prefix"));
  EXPECT_THAT(error("s3:abc"), HasSubstr("s3://bucket"));
  const auto parsed = aws::ParseS3Uri(*Uri::Parse("s3://abc/x/y/?path_style=false"), {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->prefix, "x/y");
  EXPECT_EQ(parsed->path_style, false);
}

// At a real double.
TEST(S3Store, LargeObjectsGoInParts) {
  const std::string bucket = NewS3Bucket(MotoUrl());
  const auto store = OpenS3(MotoUrl(), {.bucket = bucket, .prefix = "a/b", .part_bytes = 5 << 20});
  for (const size_t size : {size_t{5} << 20, size_t{12'000'000}}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7919 >> 8);
    const auto written = WriteObject(Context{}, *store, "large", content);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(written->size, size);
    EXPECT_THAT(written->etag, HasSubstr("-"));
    const auto read = ReadObject(Context{}, *store, "large");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == content);
  }
  EXPECT_EQ(WriteObject(Context{}, *store, "large", std::string(6 << 20, 'x'), {.if_absent = true})
                .status()
                .code(),
            Code::kAlreadyExists);
  const auto whole_bucket = OpenS3(MotoUrl(), {.bucket = bucket});
  EXPECT_TRUE(whole_bucket->Stat(Context{}, "a/b/large").ok());
}

TEST(S3Store, AMissingBucketIsNotFound) {
  const auto store = OpenS3(MotoUrl(), {.bucket = UniqueName("none").substr(0, 40)});
  EXPECT_EQ(store->List(Context{}, "").status().code(), Code::kNotFound);
  EXPECT_EQ(WriteObject(Context{}, *store, "k", "x").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace nanogrid
