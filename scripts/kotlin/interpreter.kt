// A stub of LiteRT's Interpreter. It sends the inputs to scripts/kotlin/check.py over standard
// output, which runs the model with LiteRT's interpreter for Python and sends the outputs back.
package org.tensorflow.lite

import java.io.DataInputStream
import java.io.DataOutputStream
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer

object Pipe {
    val input = DataInputStream(System.`in`.buffered(1 shl 16))
    val output = DataOutputStream(System.out.buffered(1 shl 16))

    fun write(name: String, values: Any) {
        output.writeUTF(name)
        when (values) {
            is ByteArray -> { output.writeUTF("uint8"); output.writeInt(values.size); output.write(values) }
            is FloatArray -> { output.writeUTF("float32"); output.writeInt(values.size); values.forEach(output::writeFloat) }
            is IntArray -> { output.writeUTF("int32"); output.writeInt(values.size); values.forEach(output::writeInt) }
            else -> error("cannot write ${values::class}")
        }
    }

    fun read(): Any = when (val type = input.readUTF()) {
        "uint8" -> ByteArray(input.readInt()).also(input::readFully)
        "float32" -> FloatArray(input.readInt()) { input.readFloat() }
        "int32" -> IntArray(input.readInt()) { input.readInt() }
        else -> error("cannot read $type")
    }

    /** Requests a run of a signature; its outputs are read afterwards. */
    fun request(signature: String, size: Int, threads: Int, inputs: Map<String, Any>, outputs: Set<String>) {
        output.writeUTF("run")
        output.writeUTF(signature)
        output.writeInt(size)
        output.writeInt(threads)
        output.writeInt(inputs.size)
        inputs.forEach { (name, values) -> write(name, values) }
        output.writeInt(outputs.size)
        outputs.forEach(output::writeUTF)
        output.flush()
    }
}

class Interpreter(model: ByteBuffer, private val options: Options) {
    class Options {
        var threads = 0

        fun setNumThreads(threads: Int) = apply { this.threads = threads }
    }

    private val size = model.remaining()

    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, signatureKey: String) {
        val given = inputs.mapValues { valuesOf(it.value as Buffer) }
        Pipe.request(signatureKey, size, options.threads, given, outputs.keys)
        outputs.values.forEach { buffer ->
            when (val values = Pipe.read()) {
                is ByteArray -> (buffer as ByteBuffer).put(values)
                is FloatArray -> (buffer as FloatBuffer).put(values)
                is IntArray -> (buffer as IntBuffer).put(values)
            }
        }
    }

    fun close() = Unit

    private fun valuesOf(buffer: Buffer): Any = when (buffer) {
        is ByteBuffer -> ByteArray(buffer.remaining()).also { buffer.duplicate().get(it) }
        is FloatBuffer -> FloatArray(buffer.remaining()).also { buffer.duplicate().get(it) }
        is IntBuffer -> IntArray(buffer.remaining()).also { buffer.duplicate().get(it) }
        else -> error("LiteRT takes no ${buffer::class}")
    }
}
