/** A class whose name is known. */
class BuildProbe {}

/** Whether a minifier has renamed the classes of this build, and so maybe those of the application. */
export const IS_MINIFIED = BuildProbe.name !== 'BuildProbe';
