// Stubs of org.json, which is part of Android: objects, arrays, strings, numbers, true, false, null.
package org.json

class JSONObject internal constructor(private val members: Map<String, Any?>) {
    constructor(text: String) : this(Parser(text).members())

    fun has(name: String) = name in members

    fun isNull(name: String) = members[name] == null

    fun getString(name: String) = members.getValue(name) as String

    fun getDouble(name: String) = members.getValue(name) as Double

    fun getJSONObject(name: String) = members.getValue(name) as JSONObject

    fun getJSONArray(name: String) = members.getValue(name) as JSONArray
}

class JSONArray internal constructor(private val elements: List<Any?>) {
    fun length() = elements.size

    fun getDouble(index: Int) = elements[index] as Double

    fun getJSONObject(index: Int) = elements[index] as JSONObject
}

internal class Parser(private val text: String) {
    private var position = 0

    fun members(): Map<String, Any?> = sequence('{', '}') {
        val name = string()
        expect(':')
        name to value()
    }.toMap()

    private fun value(): Any? = when (peek()) {
        '{' -> JSONObject(members())
        '[' -> JSONArray(sequence('[', ']') { value() })
        '"' -> string()
        else -> word()
    }

    private fun <T> sequence(open: Char, close: Char, read: () -> T): List<T> {
        expect(open)
        val found = mutableListOf<T>()
        while (peek() != close) {
            found += read()
            if (peek() == ',') expect(',')
        }
        expect(close)
        return found
    }

    private fun string(): String {
        expect('"')
        val end = text.indexOf('"', position) // the index has no escaped characters
        return text.substring(position, end).also { position = end + 1 }
    }

    private fun word(): Any? {
        val start = position
        while (text[position] !in ",]} \n") position++
        return when (val word = text.substring(start, position)) {
            "null" -> null
            "true" -> true
            "false" -> false
            else -> word.toDouble()
        }
    }

    private fun peek(): Char {
        while (text[position].isWhitespace()) position++
        return text[position]
    }

    private fun expect(character: Char) {
        check(peek() == character) { "expected $character at $position" }
        position++
    }
}
