/** A synchronous hook that counts what it hears. */
export class ChunkHook {
  heard = 0;
  characters = 0;

  onPiece(event) {
    this.heard++;
    if (event.chunk.type === 'text') this.characters += event.chunk.text.length;
  }
}
