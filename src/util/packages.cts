// A CommonJS module in both builds: `require` is the only way to load a package later and at once.
import type Ajv = require('ajv/dist/2020.js');
import type Cockatiel = require('cockatiel');
import type GenaiPrices = require('@pydantic/genai-prices');
import type OpenTelemetry = require('@opentelemetry/api');
import type OpenTelemetryLogs = require('@opentelemetry/api-logs');

/** Packages that are slow to load, and that many applications never use; each loads with its first use. */
const packages = {
  ajv: () => require('ajv/dist/2020.js') as typeof Ajv,
  cockatiel: () => require('cockatiel') as typeof Cockatiel,
  genaiPrices: () => require('@pydantic/genai-prices') as typeof GenaiPrices,
  /** An optional peer: `undefined` if it is not installed. */
  openTelemetry(): typeof OpenTelemetry | undefined {
    try {
      return require('@opentelemetry/api') as typeof OpenTelemetry;
    } catch {
      return undefined;
    }
  },
  /** An optional peer: `undefined` if it is not installed. */
  openTelemetryLogs(): typeof OpenTelemetryLogs | undefined {
    try {
      return require('@opentelemetry/api-logs') as typeof OpenTelemetryLogs;
    } catch {
      return undefined;
    }
  },
};

export = packages;
