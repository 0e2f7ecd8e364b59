#include "http/test_certificates.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

namespace nanogrid {
namespace {

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

template <typename Write>
std::string Pem(Write write) {
  BIO* const memory = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(memory), 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

}  // namespace

TestCertificate::TestCertificate(const CertificateOptions& options, const TestCertificate* issuer)
    : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
  X509* const x509 = certificate_.get();
  X509_set_version(x509, X509_VERSION_3);
  int64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), options.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(x509), options.valid_to);
  X509_set_pubkey(x509, key_.get());
  const std::string name = options.authority ? "test authority" : "test server";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* const signer = issuer == nullptr ? x509 : issuer->certificate();
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  AddExtension(x509, signer, NID_basic_constraints,
               options.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!options.authority) AddExtension(x509, signer, NID_subject_alt_name, options.names);
  EVP_PKEY* const signing = issuer == nullptr ? key_.get() : issuer->key();
  EXPECT_GT(X509_sign(x509, signing, EVP_sha256()), 0);
}

std::string TestCertificate::CertificatePem() const {
  return Pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate_.get()); });
}

std::string TestCertificate::KeyPem() const {
  return Pem([&](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

TestCertificate MakeTestAuthority() { return TestCertificate({.authority = true}); }

TestFile::TestFile(const std::string& content) : path_(testing::TempDir() + "nanogrid-XXXXXX") {
  const int fd = ::mkstemp(path_.data());
  EXPECT_GE(fd, 0);
  EXPECT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::close(fd);
}

TestFile::~TestFile() { ::unlink(path_.c_str()); }

}  // namespace nanogrid
