import { afterEach, describe, expect, it } from '@jest/globals';
import { CallbacksConfigurationError } from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks, type OpenTelemetryOptions } from 'nestjs-llm-callbacks/otel';
import { toSettings } from '../../src/otel/options.js';

const VARIABLE = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
afterEach(() => {
  delete process.env[VARIABLE];
});

const messageOf = (options: unknown): string => {
  try {
    expect(new OpenTelemetryCallbacks(options as OpenTelemetryOptions)).toBeUndefined();
  } catch (error) {
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
};

describe('The options', () => {
  it('have defaults', () => {
    expect(toSettings({})).toEqual({
      spanContent: false,
      events: false,
      semconv: 'latest',
      traces: true,
      metrics: true,
      sdkSpans: 'suppress',
    });
  });

  it.each([
    [{ contents: 'spans' }, /there is no option "contents"; did you mean "content"\?/],
    [{ content: 'span' }, /content must be 'none' or 'spans' .* did you mean 'spans'\?/],
    [{ content: true }, /content must be .*, not a boolean\./],
    [{ semconv: '1.41' }, /semconv must be 'latest' or 'v1\.41' or 'both'/],
    [{ traces: 'yes' }, /traces must be true or false, not a text\./],
    [{ metrics: 1 }, /metrics must be true or false, not a number\./],
    [{ sdkSpans: false }, /sdkSpans must be 'suppress' or 'keep', not a boolean\./],
    [{ tracerProvider: {} }, /tracerProvider must be an object with getTracer\(\)/],
    [{ meterProvider: 'global' }, /meterProvider must be an object with getMeter\(\)/],
    [{ loggerProvider: null }, /loggerProvider must be an object with getLogger\(\)/],
    ['spans', /the options must be an object, not a text\./],
    [null, /the options must be an object, not null\./],
  ])('refuse %j', (options, message) => {
    expect(messageOf(options)).toMatch(message);
  });

  it('never quote a value', () => {
    expect(messageOf({ content: 'sk-secret-value' })).not.toContain('secret');
  });
});

describe(`The environment variable ${VARIABLE}`, () => {
  it.each([
    ['true', 'spans'],
    ['TRUE', 'spans'],
    ['false', 'none'],
    ['none', 'none'],
    ['NO_CONTENT', 'none'],
    ['span_only', 'spans'],
    ['SPAN_ONLY', 'spans'],
    ['Event_Only', 'events'],
    ['SPAN_AND_EVENT', 'both'],
    [' span_only ', 'spans'],
    ['everything', 'none'],
    ['constructor', 'none'],
    ['', 'none'],
  ])('%j means %s', (said, place) => {
    process.env[VARIABLE] = said;
    expect(toSettings({})).toEqual(toSettings({ content: place as 'none' }));
  });

  it('does not win over the option', () => {
    process.env[VARIABLE] = 'SPAN_AND_EVENT';
    expect(toSettings({ content: 'none' })).toMatchObject({ spanContent: false, events: false });
  });
});
