#include "http/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/errors.h"

namespace nanogrid {
namespace {

int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE in the embedding program.
int WriteSocket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(FdOf(bio), bytes, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int ReadSocket(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(FdOf(bio), bytes, static_cast<size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

// NOLINTNEXTLINE(google-runtime-int): OpenSSL's type
long ControlSocket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* SocketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nosignal socket");
    if (made == nullptr) return made;
    BIO_meth_set_write(made, WriteSocket);
    BIO_meth_set_read(made, ReadSocket);
    BIO_meth_set_ctrl(made, ControlSocket);
    return made;
  }();
  return method;
}

bool IsAddress(const std::string& host) {
  in6_addr address = {};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool Expect(SSL* session, const std::string& host) {
  if (IsAddress(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  }
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

std::string TakeTlsReasons() {
  std::string reasons;
  while (const unsigned long error = ERR_get_error()) {  // NOLINT(google-runtime-int)
    const char* const reason = ERR_reason_error_string(error);
    if (!reasons.empty()) reasons += "; ";
    reasons += reason != nullptr ? std::string(reason) : fmt::format("error {:#x}", error);
  }
  return reasons.empty() ? "unknown reason" : reasons;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const std::string& ca_file) {
  ERR_clear_error();
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return Internal("TLS: {}", TakeTlsReasons());
  std::shared_ptr<const TlsContext> made(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);  // one that is missing shows when nobody is trusted
  } else if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return InvalidArgument("CA file '{}': must hold PEM certificates: {}", ca_file,
                           TakeTlsReasons());
  }
  ERR_clear_error();
  return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

void EndTls::operator()(SSL* session) const {
  ERR_clear_error();
  if (SSL_is_init_finished(session) == 1) SSL_shutdown(session);
  SSL_free(session);
  ERR_clear_error();
}

Result<TlsSession> MakeTlsSession(const TlsContext& context, int fd, const std::string& host) {
  ERR_clear_error();
  TlsSession session(SSL_new(context.get()));
  BIO* const bio = session && SocketMethod() != nullptr ? BIO_new(SocketMethod()) : nullptr;
  if (bio == nullptr || !Expect(session.get(), host)) {
    BIO_free(bio);
    return InvalidArgument("server '{}': cannot be a TLS server's name: {}", host,
                           TakeTlsReasons());
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number is all there is to keep
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);  // owns it
  SSL_set_connect_state(session.get());
  return session;
}

Status HandshakeError(const SSL* session, const std::string& host) {
  const long verified = SSL_get_verify_result(session);  // NOLINT(google-runtime-int)
  const std::string reasons = TakeTlsReasons();
  if (verified == X509_V_OK) return FailedPrecondition("server '{}': TLS: {}", host, reasons);
  return FailedPrecondition(
      "server '{}': its certificate is not accepted: {}; give the right name, or the file of the "
      "certificate authority that signed it",
      host, X509_verify_cert_error_string(verified));
}

bool TlsPeerVanished() {
  const unsigned long error = ERR_peek_last_error();  // NOLINT(google-runtime-int)
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

}  // namespace nanogrid
