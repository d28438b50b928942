#!/usr/bin/env node
import '../dist/cli/compile-cache.js';

// Imported after the cache is in use, and not with it.
await import('../dist/cli/main.js');
