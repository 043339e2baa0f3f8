/** A hook that counts as {@link ChunkHook} does, and returns a promise. */
export class ChunkHook {
  heard = 0;
  characters = 0;

  async onPiece(event) {
    this.heard++;
    if (event.chunk.type === 'text') this.characters += event.chunk.text.length;
  }
}
