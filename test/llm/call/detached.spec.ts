import { describe, expect, it } from '@jest/globals';
import {
  CallbacksModule,
  getLlmToken,
  LlmService,
  type LlmProvider,
  type LlmResponse,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import {
  HELLO,
  json,
  readOne,
  stalled,
  useBench,
  WIRES,
  type Serve,
  type WireFormat,
} from '../../support/wire/index.js';

/** A provider that calls another model, and may return before that has answered. */
class Delegate implements LlmProvider {
  readonly name = 'delegate';
  ask: () => Promise<unknown> = async () => undefined;

  async generate(): Promise<ProviderResult> {
    await this.ask();
    return {
      id: '1',
      model: 'delegate',
      text: 'Done',
      message: { role: 'assistant', content: 'Done' },
      toolCalls: [],
      finishReason: 'stop',
      usage: {
        inputTokens: 1,
        outputTokens: 1,
        totalTokens: 2,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWrite1hTokens: 0,
        reasoningTokens: 0,
        source: 'provider',
      },
    };
  }

  async *stream() {
    yield await this.generate();
  }
}

describe.each(WIRES)('A call of $name inside another run', (wire: WireFormat) => {
  const delegate = new Delegate();
  const bench = useBench(wire, {
    imports: () => [
      CallbacksModule.forFeature({ name: 'outer', llm: { provider: delegate, model: 'delegate' } }),
    ],
  });
  const outer = () => bench.app.get<LlmService>(getLlmToken('outer'), { strict: false });

  it('is a child of that run', async () => {
    bench.server.answers(json(wire.answer(HELLO)));
    delegate.ask = () => bench.llm.generate('Hi');
    await outer().generate('Hi');
    expect(bench.recording.tree()).toEqual([
      {
        kind: 'llm',
        events: ['llm.start', 'llm.end'],
        children: [{ kind: 'llm', events: ['llm.start', 'llm.end'], children: [] }],
      },
    ]);
    const [child, parent] = bench.recording.of('llm.end');
    expect(child).toMatchObject({ parentRunId: parent!.runId, rootRunId: parent!.runId });
    expect(child!.detached).toBeUndefined();
    expect(child!.scopes).toEqual(['outer']);
  });

  it('can outlive its parent, and is detached then', async () => {
    let answer!: () => void;
    const serve: Serve = ({ response }) => {
      answer = () => response.end(JSON.stringify(wire.answer(HELLO)));
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    };
    bench.server.answers(serve);
    let inner!: Promise<LlmResponse>;
    delegate.ask = async () => {
      inner = bench.llm.generate('Hi');
    };
    await outer().generate('Hi');
    await bench.server.exchange(0);
    answer();
    await inner;
    const [parent, child] = bench.recording.of('llm.end');
    expect(child).toMatchObject({ parentRunId: parent!.runId, detached: true });
    expect(child!.toJSON()).toMatchObject({ detached: true });
    expect(parent!.detached).toBeUndefined();
  });

  it('is detached when it is started after its parent has ended', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    let stream = bench.llm.stream('Hi');
    delegate.ask = async () => {
      stream = bench.llm.stream('Hi');
    };
    await outer().generate('Hi');
    await readOne(stream);
    expect(bench.recording.of('llm.end')[1]).toMatchObject({
      parentRunId: bench.recording.of('llm.end')[0]!.runId,
      finishReason: 'cancelled',
      detached: true,
    });
  });
});
