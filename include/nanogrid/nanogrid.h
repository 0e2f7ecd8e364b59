// Everything an application needs: open an engine, register functions, invoke them.
#pragma once

#include "nanogrid/adapters/local.h"
#include "nanogrid/engine.h"
#include "nanogrid/settings.h"
