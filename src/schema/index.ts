export * from './answer-schema.js';
export * from './close-objects.js';
export * from './compile-schema.js';
export * from './schema-cache.js';
export * from './schema.js';
export * from './standard-schema.js';
export * from './strict.js';
export * from './subschemas.js';
