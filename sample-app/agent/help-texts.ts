import { Injectable } from '@nestjs/common';
import { Retrieval } from 'nestjs-llm-callbacks';

export interface HelpText {
  title: string;
  text: string;
}

const HELP_TEXTS: readonly HelpText[] = [
  {
    title: 'Delivery',
    text: 'Where is my parcel? An order leaves our warehouse within one day and arrives two days later.',
  },
  {
    title: 'Refunds',
    text: 'Customers who send an item back within 30 days get their money back: a refund goes to the card that they paid with.',
  },
  {
    title: 'Repairs',
    text: 'An item that is broken is repaired for free for two years. Send it to the workshop with the receipt.',
  },
  {
    title: 'Manuals',
    text: 'The manual is printed on the inside of the lid, with instructions for the display and the battery.',
  },
  {
    title: 'Opening hours',
    text: 'The shop is open from Monday to Saturday, 9 to 18. When it is closed, the desk answers by mail.',
  },
];

const FOUND_AT_MOST = 2;

/** Words too common to identify a topic. */
const SHORT = 3;

/** The help texts of the desk. */
@Injectable()
export class HelpTexts {
  /** The help texts that share the most words with a question. */
  @Retrieval('help texts')
  search(question: string): HelpText[] {
    const asked = wordsOf(question);
    const ranked = HELP_TEXTS.map((help) => {
      const words = [...wordsOf(`${help.title} ${help.text}`)];
      return { help, shared: words.filter((word) => asked.has(word)).length };
    });
    return ranked
      .filter(({ shared }) => shared > 0)
      .toSorted((a, b) => b.shared - a.shared)
      .slice(0, FOUND_AT_MOST)
      .map(({ help }) => help);
  }
}

function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  return new Set(words.filter((word) => word.length > SHORT));
}
