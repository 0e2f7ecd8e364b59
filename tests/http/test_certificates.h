// Certificate authorities and server certificates for tests, made when they are needed.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace nanogrid {

struct CertificateOptions {
  std::string names = "DNS:localhost,IP:127.0.0.1";  // subjectAltName, as openssl.cnf has it
  int valid_from = -3600;                            // seconds from now
  int valid_to = 3600;
  bool authority = false;
};

// A key and its certificate. Failures are the test's.
class TestCertificate {
 public:
  // Signed by `issuer`, or by itself.
  explicit TestCertificate(const CertificateOptions& options,
                           const TestCertificate* issuer = nullptr);

  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  std::string CertificatePem() const;
  std::string KeyPem() const;  // PKCS#8

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

// An authority that nobody knows.
TestCertificate MakeTestAuthority();

// A file with this content, removed with the object.
class TestFile {
 public:
  explicit TestFile(const std::string& content);
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace nanogrid
