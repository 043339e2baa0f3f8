import type { ContentPart, Message } from 'nestjs-llm-callbacks';
import type { Random } from '../wire/random.js';
import { randomCall, randomId } from './random-calls.js';

/** A conversation, the texts that must arrive, and whether it may be rejected before it is sent. */
export interface History {
  readonly messages: readonly Message[];
  /** Texts of users and assistants, in their order. */
  readonly words: readonly string[];
  readonly mayBeRefused: boolean;
}

const BLANKS = ['', ' ', '\n\n', '\t'];
const ODD_PARTS: readonly unknown[] = [
  { type: 'audio', data: 'x' },
  { type: 'text' },
  { type: 'image' },
  null,
  'text',
];

/** Builds one conversation. `answers` are messages that providers returned, with their texts. */
export class RandomHistory {
  readonly #messages: Message[] = [];
  readonly #words: string[] = [];
  #isMalformed = false;

  constructor(
    private readonly random: Random,
    private readonly answers: readonly Message[],
  ) {}

  make(): History {
    const { random } = this;
    if (random.chance(0.4)) this.#add('system', 'system');
    if (random.chance(0.15)) this.#assistant();
    for (let turns = random.int(1, 5); turns > 0; turns--) {
      if (random.chance(0.97)) this.#add('user', 'user');
      if (random.chance(0.8)) this.#assistant();
      if (random.chance(0.1)) this.#add('system', 'system');
    }
    if (random.chance(0.05)) this.#messages.push(...this.#orphans());
    if (random.chance(0.7)) this.#add('user', 'user');
    return {
      messages: this.#messages,
      words: this.#words,
      mayBeRefused: this.#isMalformed || this.#messages.every(saysNothing),
    };
  }

  #add(role: 'system' | 'user', kind: string): void {
    this.#messages.push({ role, content: this.#content(kind) });
  }

  /** An assistant's message, its calls, and their results. */
  #assistant(): void {
    const { random } = this;
    const message = random.chance(0.35) ? this.#answer() : this.#ownMessage();
    this.#messages.push(message);
    const ids = (message.toolCalls ?? []).map(({ id }) => id).filter(Boolean);
    if (ids.length === 0) return;
    // Some have no answer, some have two, some come late or in another order.
    const answered = ids.filter(() => random.chance(0.85));
    if (random.chance(0.1)) answered.push(random.pick(ids));
    if (random.chance(0.1)) answered.reverse();
    if (random.chance(0.1)) this.#add('user', 'user');
    this.#messages.push(...answered.map((id) => this.#result(id)));
    if (random.chance(0.1)) this.#messages.push(...this.#orphans());
  }

  /** A provider's answer, sometimes from a store that holds JSON. */
  #answer(): Message {
    const answer = this.random.pick(this.answers);
    return this.random.chance(0.5) ? answer : (JSON.parse(JSON.stringify(answer)) as Message);
  }

  #ownMessage(): Message {
    const { random } = this;
    const toolCalls = random.chance(0.5) ? random.times(1, 3, () => randomCall(random)) : [];
    // Calls of one turn sometimes share an id.
    if (toolCalls.length > 1 && random.chance(0.1)) toolCalls[1]!.id = toolCalls[0]!.id;
    const content = random.chance(0.4) && toolCalls.length > 0 ? '' : this.#content('assistant');
    const isListed = toolCalls.length > 0 || random.chance(0.05);
    return { role: 'assistant', content, ...(isListed && { toolCalls }) };
  }

  #result(toolCallId: string): Message {
    return { role: 'tool', toolCallId, content: this.#content('result') };
  }

  #orphans(): Message[] {
    const { random } = this;
    const id = randomId(random) || 'nobody';
    return random.times(1, 2, () => this.#result(id));
  }

  #content(kind: string): string | ContentPart[] {
    const { random } = this;
    if (random.chance(0.75)) return this.#text(kind);
    return random.times(0, 3, () => this.#part(kind));
  }

  #text(kind: string): string {
    const { random } = this;
    if (random.chance(0.15)) return random.pick(BLANKS);
    const word = `word-${this.#words.length}`;
    // Results without a call need not arrive; the texts of users and the model must.
    if (kind === 'user' || kind === 'assistant') this.#words.push(word);
    return random.pick([word, `${word} ${random.text(4)}`, `\n${word}\n`]);
  }

  #part(kind: string): ContentPart {
    const { random } = this;
    if (random.chance(0.01)) {
      this.#isMalformed = true;
      return random.pick(ODD_PARTS) as ContentPart;
    }
    if (random.chance(0.6)) return { type: 'text', text: this.#text(kind) };
    return random.pick<ContentPart>([
      { type: 'image', url: 'https://pictures.test/a.png' },
      { type: 'image', url: 'data:image/png;base64,iVBORw0KGgo=' },
      { type: 'image', data: new Uint8Array([137, 80, 78, 71]), mediaType: 'image/png' },
    ]);
  }
}

/** Whether a message has no content; calls do not count, and results without their calls may be omitted. */
function saysNothing({ role, content }: Message): boolean {
  if (role === 'tool') return true;
  if (typeof content === 'string') return content.trim() === '';
  return content.every((part) => part?.type === 'text' && part.text.trim() === '');
}
