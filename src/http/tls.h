// Whom we trust, and a TLS session over a non-blocking socket. Private to clients.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "nanogrid/status.h"

namespace nanogrid {

// Certificates that are trusted; TLS 1.2 or later. Immutable and thread-safe: made once, shared by
// all connections.
class TlsContext {
 public:
  // `ca_file`: PEM certificates of whom alone to trust; empty: the system's store (also
  // SSL_CERT_FILE, SSL_CERT_DIR). InvalidArgument names the file.
  static Result<std::shared_ptr<const TlsContext>> Make(const std::string& ca_file);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  SSL_CTX* get() const { return context_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* const context_;
};

// Says good-bye if the session is in order, and frees it. The socket is open until then.
struct EndTls {
  void operator()(SSL* session) const;
};
using TlsSession = std::unique_ptr<SSL, EndTls>;

// A client's session on `fd`, before the handshake. The server must prove to be `host`, a name or
// an address. Writing never raises SIGPIPE.
Result<TlsSession> MakeTlsSession(const TlsContext& context, int fd, const std::string& host);

// Why a handshake failed that was neither lost nor timed out; final: FailedPrecondition.
Status HandshakeError(const SSL* session, const std::string& host);
// Whether the failed call's reason is that the peer has gone without a good-bye.
bool TlsPeerVanished();
// The reasons of this thread's failed call, and forgets them.
std::string TakeTlsReasons();

}  // namespace nanogrid
