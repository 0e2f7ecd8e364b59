// S3 as primary, Google Cloud Storage as second copy; S3 goes away, and comes back without
// anything.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "aws/s3_test_bucket.h"
#include "core/temporary_directory.h"
#include "gcp/fake_gcs.h"
#include "nanogrid/adapters/gcp.h"
#include "nanogrid/adapters/mirror.h"

namespace nanogrid {
namespace {

// A moto of this test's own, on one port for all its lives.
class OwnMoto {
 public:
  OwnMoto() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = std::to_string(ntohs(address.sin_port));
  }
  ~OwnMoto() { Kill(); }

  std::string url() const { return "http://127.0.0.1:" + port_; }

  // Empty, but for the bucket.
  void Start() {
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int nowhere = ::open("/dev/null", O_RDWR);
      ::dup2(nowhere, 1);
      ::dup2(nowhere, 2);
      ::execlp("moto_server", "moto_server", "-H", "127.0.0.1", "-p", port_.c_str(), nullptr);
      ::_exit(127);
    }
    const auto client = TestClient(aws::kS3, url());
    while (!client->Send(Context{}, "CreateBucket", {.method = "PUT", .target = "/primary"}).ok()) {
      ASSERT_EQ(::waitpid(process_, nullptr, WNOHANG), 0) << "moto_server does not run here";
      std::this_thread::yield();
    }
  }
  void Kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  std::string port_;
  pid_t process_ = -1;
};

using Contents = std::map<std::string, std::string>;

Contents Everything(ObjectStore& store) {
  Contents contents;
  std::string cursor;
  do {
    const auto page = store.List(Context{}, "", cursor);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    for (const ObjectInfo& object : page->objects) {
      contents[object.key] = ReadObject(Context{}, store, object.key).value_or("?");
    }
    cursor = page->cursor;
  } while (!cursor.empty());
  return contents;
}

TEST(OutageDrill, WithoutS3ReadsComeFromTheSecondCopyAndWritesWaitUntilBothSidesAreEqual) {
  if (std::system("command -v moto_server > /dev/null") != 0) {
    GTEST_SKIP() << "moto_server is not installed";
  }
  OwnMoto moto;
  ASSERT_NO_FATAL_FAILURE(moto.Start());
  const FakeGcs gcs;
  const TemporaryDirectory directory;
  const auto open_gcs = [&] {
    return *MakeGcsObjectStore({.bucket = "bucket", .endpoint = gcs.url(), .anonymous = true});
  };
  const auto made = MakeMirroredStore(OpenS3(moto.url(), {.bucket = "primary"}, 2), open_gcs(),
                                      {.outbox = directory.path().string(),
                                       .primary_pause = std::chrono::milliseconds(100),
                                       .retry_cap = std::chrono::milliseconds(200)});
  ASSERT_TRUE(made.ok()) << made.status();
  MirroredStore& mirror = **made;
  const auto put = [&](const std::string& key, const std::string& content, Contents& contents) {
    const auto written = WriteObject(Context{}, mirror, key, content);
    EXPECT_TRUE(written.ok()) << written.status();
    contents[key] = content;
  };
  const auto flush = [&] {
    const Status flushed = mirror.Flush(Context::WithTimeout(std::chrono::seconds(60)));
    EXPECT_TRUE(flushed.ok()) << flushed << mirror.stats().last_error;
  };

  Contents contents;
  for (int i = 0; i < 20; ++i)
    put("code/" + std::to_string(i), "content " + std::to_string(i), contents);
  flush();
  EXPECT_EQ(Everything(*open_gcs()), contents);

  moto.Kill();
  EXPECT_EQ(Everything(mirror), contents);
  EXPECT_GE(mirror.stats().fallback_reads, 21u);
  for (int i = 15; i < 25; ++i)
    put("code/" + std::to_string(i), "newer " + std::to_string(i), contents);
  put("results/large", std::string(9'000'000, 'l'), contents);
  for (const char* const key : {"code/1", "code/20"}) {
    EXPECT_TRUE(mirror.Remove(Context{}, key).ok());
    contents.erase(key);
  }
  EXPECT_EQ(Everything(mirror), contents);
  EXPECT_EQ(mirror.stats().pending, 12u);

  ASSERT_NO_FATAL_FAILURE(moto.Start());
  flush();
  auto report = mirror.Verify(Context{}, "", true);
  ASSERT_TRUE(report.ok()) << report.status();
  // What nobody touched meanwhile was only in the second copy.
  EXPECT_EQ(report->only_second, 14u);
  EXPECT_EQ(report->repaired, 14u);
  report = mirror.Verify(Context{}, "", false);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->Equal()) << testing::PrintToString(report->details);
  EXPECT_EQ(report->objects, contents.size());
  EXPECT_EQ(Everything(*OpenS3(moto.url(), {.bucket = "primary"})), contents);
  EXPECT_EQ(Everything(*open_gcs()), contents);
}

}  // namespace
}  // namespace nanogrid
