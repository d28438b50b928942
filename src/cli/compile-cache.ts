import { keepCompiled } from '../access/compile-cache.js';

keepCompiled();
