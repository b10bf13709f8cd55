package dev.patternalarm.flink;

import java.text.Normalizer;

/** What the contract asks of a text, so that no two spellings are one value, and how texts are shown to people. */
final class Texts {

    private static final int SHOWN_CHARACTERS = 64;
    // Below U+0300 nothing composes with what stands before it, and nothing is a composition's other spelling.
    private static final char FIRST_COMBINING = '\u0300';

    private Texts() {}

    /** What is wrong with {@code text}, and the remedy; null when nothing is. */
    static String problem(String text, int maxCharacters) {
        boolean plain = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c >= 0x7f && c < 0xa0) {
                return "holds the control character " + escaped(c) + ": remove it";
            }
            if (Character.isSurrogate(c)) {
                boolean pair =
                        Character.isHighSurrogate(c)
                                && i + 1 < text.length()
                                && Character.isLowSurrogate(text.charAt(i + 1));
                if (!pair) {
                    return "holds half a character (unpaired surrogate " + escaped(c) + "): cut texts between characters";
                }
                i++;
            }
            plain &= c < FIRST_COMBINING;
        }
        if (text.length() > maxCharacters && text.codePointCount(0, text.length()) > maxCharacters) {
            return "is longer than " + maxCharacters + " characters: shorten it, or send a hash of it";
        }
        if (isSpace(text.charAt(0)) || isSpace(text.charAt(text.length() - 1))) {
            return "has white space at an end: trim it";
        }
        if (!plain && !Normalizer.isNormalized(text, Normalizer.Form.NFC)) {
            return "is not in Unicode's form NFC: normalise it to NFC";
        }
        return null;
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c > 0x7f && Character.isSpaceChar(c);
    }

    /** {@code text} in quotes for a person to read: printable, and no longer than needed to know it again. */
    static String shown(String text) {
        return "'" + printable(text, SHOWN_CHARACTERS) + "'";
    }

    /** At most {@code maxCharacters} of {@code text}, with escapes for what cannot be printed. */
    static String printable(String text, int maxCharacters) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), maxCharacters));
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            int type = Character.getType(c);
            boolean hidden =
                    type == Character.CONTROL
                            || type == Character.SURROGATE
                            || type == Character.FORMAT
                            || type == Character.LINE_SEPARATOR
                            || type == Character.PARAGRAPH_SEPARATOR
                            || type == Character.PRIVATE_USE
                            || type == Character.UNASSIGNED;
            String next = hidden ? escaped(c) : Character.toString(c);
            if (out.length() + next.length() > maxCharacters - 1 && i + Character.charCount(c) < text.length()
                    || out.length() + next.length() > maxCharacters) {
                return out.append('…').toString();
            }
            out.append(next);
            i += Character.charCount(c);
        }
        return out.toString();
    }

    private static String escaped(int c) {
        return c > 0xffff ? String.format("\\u{%x}", c) : String.format("\\u%04x", c);
    }
}
