// Speaks to systemd, or whoever started this program with NOTIFY_SOCKET.
#pragma once

#include <string_view>

// "READY=1", "STOPPING=1": sd_notify(3). Does nothing if nobody wants to know.
void TellServiceManager(std::string_view state);
