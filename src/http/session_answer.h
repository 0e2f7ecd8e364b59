// The answer that a session is giving.
#pragma once

#include <string>

#include "http/session.h"
#include "http/spool.h"

namespace nanogrid {

struct Session::Answer {
  int route = -1;
  std::string method{};
  int version = 11;
  TimePoint began{};
  int status = 0;          // 0: no head yet
  bool streaming = false;  // pieces may come
  bool finished = false;   // nothing more comes
  bool chunked = false;
  bool late_sent = false;
  std::unique_ptr<HttpResponse> late{};  // the head to send if the answer takes long
  std::string heartbeat{};
  std::shared_ptr<SpoolFile> file{};  // goes out after the output
  std::string behind_file{};
  uint64_t file_sent = 0;
  HttpResponder::Callback sent{};
  HttpResponder::Callback ended{};
};

}  // namespace nanogrid
