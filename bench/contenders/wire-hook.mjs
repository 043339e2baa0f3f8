/** A synchronous hook that counts the pieces of text and of tool calls that it hears. */
export class WireHook {
  heard = 0;
  characters = 0;

  onPiece({ chunk }) {
    const piece = chunk.type === 'tool-call' ? chunk.argsDelta : chunk.text;
    if (piece) this.heard++;
    this.characters += piece.length;
  }
}
