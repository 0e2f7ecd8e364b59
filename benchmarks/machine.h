// What a reader must know about the machine to judge the figures.
#pragma once

#include "report.h"

void AddMachineFacts(Report& report);
