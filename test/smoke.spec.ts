import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CallbacksModule, CostTracker, LlmService, OnLlmEnd, OnLlmStart, type LlmEndEvent, LlmStartEvent } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';

@Injectable()
class Hooks {
  heard: string[] = [];
  @OnLlmStart() start(e: LlmStartEvent) { this.heard.push(`start ${e.prompt}`); }
  @OnLlmEnd() async end(e: LlmEndEvent) { await null; this.heard.push(`end ${e.text}`); }
}
describe('smoke', () => {
  it('works', async () => {
    const rec = new RecordingCallbacks();
    const m = await Test.createTestingModule({ imports: [CallbacksModule.forRoot({ llm: { provider: new FakeLlm(['hello', 'a b c', new Error('x')]), model: 'fake' }, callbacks: [rec] })], providers: [Hooks, CostTracker] }).compile();
    await m.init();
    const llm = m.get(LlmService);
    const r = await llm.generate('hi');
    expect(r.text).toBe('hello');
    const s = llm.stream('yo');
    const out: string[] = [];
    for await (const t of s.textStream) out.push(t);
    expect(out).toEqual(['a', ' b', ' c']);
    expect((await s.response).text).toBe('a b c');
    await expect(llm.generate('q')).rejects.toThrow('x');
    expect(m.get(Hooks).heard).toEqual(['start hi', 'end hello', 'start yo', 'end a b c', 'start q']);
    console.log(rec.tree(), m.get(CostTracker).snapshot(), JSON.stringify(rec.events[1]));
    await m.close();
  });
});
