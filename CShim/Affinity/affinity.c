#include "CAffinity.h"
