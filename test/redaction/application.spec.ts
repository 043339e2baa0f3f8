import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CALLBACKS_OPTIONS,
  CallbacksModule,
  CallbacksService,
  type CallbackEvent,
  type CallbacksModuleOptions,
  type EventJson,
  type LlmEndEvent,
  LlmService,
  type LlmStartEvent,
  OnAnyEvent,
  OnLlmEnd,
  OnLlmStart,
  type RedactionPlace,
  type RedactOptions,
  type Redactor,
  reviveEvent,
} from 'nestjs-llm-callbacks';
import { Test } from '@nestjs/testing';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, willClose } from '../support/app.js';
import { logs } from '../support/logs.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';
import { SAMPLE_EVENTS, SAMPLE_RUN } from '../support/sample-events.js';

afterEach(closeApps);

const R = '[redacted]';
const KEY = 'sk-proj-abcdef1234567890';
/** Something secret in every context field that can hold it. */
const CALL = { userId: 'ada', tags: [KEY], metadata: { token: 'abc', plan: 'gold', n: 1 } };

class Seen {
  readonly events: CallbackEvent[] = [];

  @OnAnyEvent()
  see(event: CallbackEvent) {
    this.events.push(event);
  }
}

/** Runs one call; returns its end as another handler gets it, and redacted for a place. */
async function callWith(
  redact: CallbacksModuleOptions['redact'],
  place: RedactionPlace = 'log',
): Promise<{ event: LlmEndEvent; json: EventJson }> {
  const seen = new Seen();
  const options = { callbacks: [seen], answers: [`Your key is ${KEY}.`] };
  const { llm } = await startApp({}, { ...options, ...(redact !== undefined && { redact }) });
  await llm.generate(`My key is ${KEY}.`, CALL);
  const event = seen.events.at(-1) as LlmEndEvent;
  return { event, json: event.redacted(place) };
}

describe('forRoot({ redact })', () => {
  it('is on by default: built-ins get events without secrets, other handlers whole ones', async () => {
    const { event, json } = await callWith(undefined);
    expect(JSON.stringify(event)).toContain(KEY);
    expect(event.metadata).toEqual(CALL.metadata);
    expect(json).toMatchObject({
      text: `Your key is ${R}.`,
      userId: 'ada',
      tags: [R],
      metadata: { token: R, plan: 'gold', n: 1 },
      usage: event.usage,
    });
    expect(JSON.stringify(json)).not.toContain(KEY);
  });

  it('false lets everything pass', async () => {
    const { event, json } = await callWith(false);
    expect(json).toEqual(event.toJSON());
  });

  it('takes keys, paths, patterns and a replacement', async () => {
    const redact: RedactOptions = {
      keys: ['plan'],
      paths: ['userId', 'text'],
      patterns: [/fake/g],
      replacement: '***',
    };
    const { json } = await callWith(redact);
    expect(json).toMatchObject({
      text: '***',
      userId: '***',
      provider: '***',
      metadata: { plan: '***', token: '***', n: 1 },
    });
  });

  it('can be set by forRootAsync', async () => {
    const seen = new Seen();
    const module = await Test.createTestingModule({
      imports: [
        CallbacksModule.forRootAsync({
          useFactory: () => ({
            llm: { provider: new FakeLlm(['Ada']), model: 'fake' },
            callbacks: [seen],
            redact: { paths: ['text'] },
          }),
        }),
      ],
    }).compile();
    willClose(module);
    await module.init();
    expect(module.get<CallbacksModuleOptions>(CALLBACKS_OPTIONS).redact).toEqual({
      paths: ['text'],
    });
    await module.get(LlmService).generate('hi');
    expect(seen.events.at(-1)!.redacted('span')).toMatchObject({ text: R });
  });

  it.each<[unknown, string]>([
    [true, 'redact must be false, options or a Redactor, not a boolean.'],
    [null, 'redact must be false, options or a Redactor, not null.'],
    [[/x/], 'redact must be false, options or a Redactor, not a list.'],
    [{ pattern: [/x/] }, 'redact has no option "pattern"; did you mean "patterns"?'],
    [{ keys: 'iban' }, 'redact.keys must be a list, not a text.'],
    [{ keys: ['-_'] }, 'redact.keys must be a list of names, but has "-_".'],
    [{ patterns: ['x'] }, 'redact.patterns must be a list of regular expressions, but has a text.'],
    [{ patterns: [/x*/] }, 'redact.patterns has a pattern that matches the empty text: "/x*/".'],
    [{ replacement: 5 }, 'redact.replacement must be a text, not a number.'],
    ...['', '.a', 'a.', 'a..b', '$.a', 'a[', 'a[x]', 'a[0]b', 'a b', '/a/b', 'a["b'].map(
      (path): [unknown, string] => [
        { paths: [path] },
        `redact.paths must be a list of paths like 'metadata.customer.iban' or 'toolCalls[*].args["a.b"]', but has "${path}".`,
      ],
    ),
  ])('%j is rejected at start-up', async (redact, message) => {
    const app = startApp({}, { redact } as CallbacksModuleOptions);
    await expect(app).rejects.toThrow(message);
  });
});

describe('An event after redaction', () => {
  const everything: RedactOptions = {
    keys: ['metadata', 'tags', 'scopes', 'runId', 'type', 'event'],
    paths: ['*', 'a', 'tags[*]'],
    patterns: [/./],
  };

  it.each(Object.values(SAMPLE_EVENTS).map((event) => [event.type, event] as const))(
    'is still a %s, with its ids, whatever is redacted',
    async (_type, sample) => {
      const seen = new Seen();
      const { llm } = await startApp({}, { callbacks: [seen], redact: everything });
      await llm.generate('hi');
      const { redactor } = (seen.events[0] as unknown as { run: { redactor: Redactor } }).run;
      const run = Object.getOwnPropertySymbols(sample).find(
        ({ description }) => description === 'run',
      );
      const event = Object.create(sample, {
        [run!]: { value: { ...SAMPLE_RUN, redactor } },
      }) as CallbackEvent;
      const json = event.redacted('audit');
      const revived = reviveEvent(JSON.parse(JSON.stringify(json)));
      const { type, eventId, runId, requestId, traceId, timestamp, scopes } = event;
      expect(revived).toMatchObject({
        type,
        eventId,
        runId,
        requestId,
        traceId,
        timestamp,
        scopes,
      });
      expect(JSON.stringify(json)).not.toMatch(/Hello|gold|nightly/);
    },
  );

  it('has the fields that were not redacted', () => {
    const event = reviveEvent(JSON.parse(JSON.stringify(SAMPLE_EVENTS['llm.end'])));
    expect(event.redacted('log')).toEqual(event.toJSON());
  });

  it('can be a part of it: paths apply to the names of the fields', async () => {
    const { event } = await callWith({ paths: ['metadata.plan'] });
    expect(event.redacted('span', { metadata: event.metadata })).toEqual({
      metadata: { token: R, plan: R, n: 1 },
    });
    expect(event.redacted('span', `a ${KEY}`)).toBe(`a ${R}`);
    expect(event.redacted('span', undefined)).toBeUndefined();
    expect(event.redacted('span', { a: new Map([['token', 'x']]), f: () => 1 })).toEqual({
      a: { token: R },
    });
  });
});

describe('A redactor of the application', () => {
  it('gets a copy of the event and the place, and decides', async () => {
    const calls: unknown[][] = [];
    const redactor: Redactor = {
      redact(value, place) {
        calls.push([place, (value as EventJson).type]);
        (value as { text: string }).text = 'changed';
        return value;
      },
    };
    const { event, json } = await callWith(redactor, 'inspector');
    expect(calls).toEqual([['inspector', 'llm.end']]);
    expect(json['text']).toBe('changed');
    expect(event.text).toContain(KEY);
  });

  it('may return no object: the event keeps its ids', async () => {
    const { event, json } = await callWith({ redact: () => '[content]' });
    expect(json).toMatchObject({ type: 'llm.end', runId: event.runId, content: '[content]' });
    expect(json).not.toHaveProperty('text');
    expect(reviveEvent(json).runId).toBe(event.runId);
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => raise(new TypeError(`no ${KEY}`)), 'it threw TypeError for "log"'],
    ['throws no error', () => raise(KEY), 'it threw Error for "log"'],
    ['returns a promise', () => Promise.reject(new Error(KEY)), 'it returned a promise for "log"'],
    ['returns nothing', () => undefined, 'it returned no JSON for "log"'],
    ['returns a function', () => () => KEY, 'it returned no JSON for "log"'],
  ])('that %s drops the content, and is logged without it, once', async (_what, redact, why) => {
    const { event, json } = await callWith({ redact });
    expect(json).toMatchObject({ eventId: event.eventId, content: '[redactor failed]' });
    expect(json).not.toHaveProperty('text');
    expect(event.redacted('span', { text: event.text })).toBe('[redactor failed]');
    const about = logs.filter(({ message }) => message.includes('The redactor of forRoot failed'));
    expect(about).toHaveLength(1);
    expect(about[0]).toMatchObject({ level: 'error', message: expect.stringContaining(why) });
    expect(JSON.stringify([json, logs])).not.toContain(KEY);
  });

  it('may return what JSON writes otherwise', async () => {
    const { event } = await callWith({ redact: () => ({ at: new Date(0), n: 1n }) });
    expect(event.redacted('log', {})).toEqual({ at: '1970-01-01T00:00:00.000Z', n: '1' });
  });
});

describe('A job', () => {
  class Audit {
    received: LlmEndEvent | undefined;

    @OnLlmEnd({ background: 'durable', name: 'audit' })
    write(event: LlmEndEvent) {
      this.received = event;
    }
  }
  class Background {
    received: LlmStartEvent | undefined;

    @OnLlmStart({ background: true })
    note(event: LlmStartEvent) {
      this.received = event;
    }
  }

  async function queued(redact?: CallbacksModuleOptions['redact']) {
    const queue = new MemoryJobQueue();
    const [audit, background] = [new Audit(), new Background()];
    const { llm, module } = await startApp(
      {},
      {
        callbacks: [audit, background],
        background: { queue },
        answers: [`Your key is ${KEY}.`],
        ...(redact !== undefined && { redact }),
      },
    );
    await llm.generate(`My key is ${KEY}.`, CALL);
    const jobs = JSON.stringify(queue.jobs);
    await module.get(CallbacksService).flush();
    await queue.work();
    return { jobs, audit, background };
  }

  it('has the redacted event, and so has its handler', async () => {
    const { jobs, audit, background } = await queued();
    expect(jobs).not.toContain(KEY);
    expect(audit.received).toMatchObject({
      text: `Your key is ${R}.`,
      userId: 'ada',
      metadata: { token: R, plan: 'gold', n: 1 },
    });
    // In this process, nothing leaves it.
    expect(background.received!.prompt).toContain(KEY);
  });

  it('is redacted for its place', async () => {
    const redact = (value: unknown, place: string) =>
      place === 'queue' ? { ...(value as object), text: 'queued' } : value;
    const { audit } = await queued({ redact });
    expect(audit.received!.text).toBe('queued');
  });

  it('is redacted once more when its handler passes it on, by the redactor of the worker', async () => {
    const redact = (value: unknown, place: string) =>
      place === 'queue' ? value : { ...(value as object), text: place };
    const { audit } = await queued({ redact });
    expect(audit.received!.text).toContain(KEY);
    expect(audit.received!.redacted('audit')).toMatchObject({ text: 'audit' });
  });

  it('is an event without content if the redactor fails', async () => {
    const { jobs, audit } = await queued({ redact: () => raise(new Error(KEY)) });
    expect(jobs).not.toContain(KEY);
    expect(audit.received!.toJSON()).toMatchObject({ type: 'llm.end' });
    expect(audit.received!.text).toBeUndefined();
  });
});

function raise(error: unknown): never {
  throw error;
}
