package %%{package}

import android.content.res.AssetManager
import android.util.Log
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** Compares the model on this device with the golden cases of its bundle: golden/index.json. */
@RunWith(AndroidJUnit4::class)
class GoldenTest {
    private val instrumentation = InstrumentationRegistry.getInstrumentation()
    private val assets: AssetManager = instrumentation.context.assets // those of the test
    private val index = JSONObject(String(read("index.json")))

    @Test
    fun theCpuGivesTheGoldenOutputs() = compare(useGpu = false)

    /** Without a GPU it compares the CPU once more. */
    @Test
    fun theGpuGivesTheGoldenOutputs() = compare(useGpu = true)

    private fun compare(useGpu: Boolean) {
        Translator(instrumentation.targetContext, MODEL, useGpu = useGpu).use { translator ->
            val isGpu = translator.accelerator == "GPU"
            val errors = mutableMapOf<String, OutputError>()
            for (case in objects(index.getJSONArray("cases"))) {
                val results = call(translator, case)
                for (output in objects(case.getJSONArray("outputs"))) {
                    val name = "${output.getString("name")} of ${case.getString("signature")}"
                    val error = errors.getOrPut(name) { OutputError(output) }
                    error.add(valuesOf(output), valuesOf(results.getValue(output.getString("name"))))
                }
            }
            for ((name, error) in errors) {
                Log.i(TAG, "${translator.accelerator}: $name: ${error.text()}")
                assertTrue("${translator.accelerator}: $name: ${error.text()}", error.isAllowed(isGpu))
            }
        }
    }

    private fun call(translator: Translator, case: JSONObject): Map<String, Any> =
        when (val signature = case.getString("signature")) {
%%{calls}            else -> throw IllegalArgumentException("the app has no function for $signature: generate it again")
        }

    private fun input(case: JSONObject, name: String): ByteBuffer {
        val inputs = objects(case.getJSONArray("inputs"))
        return buffer(inputs.single { it.getString("name") == name })
    }

%%{readers}    private fun buffer(tensor: JSONObject): ByteBuffer =
        ByteBuffer.wrap(read(tensor.getString("file"))).order(ByteOrder.LITTLE_ENDIAN)

    private fun read(file: String): ByteArray = assets.open("golden/$file").use { it.readBytes() }

    /** The values of a golden tensor. */
    private fun valuesOf(tensor: JSONObject): DoubleArray {
        val buffer = buffer(tensor)
        return when (val type = tensor.getString("dtype")) {
            "uint8" -> DoubleArray(buffer.remaining()) { (buffer.get(it).toInt() and 0xFF).toDouble() }
            "float32" -> DoubleArray(buffer.remaining() / 4) { buffer.getFloat(4 * it).toDouble() }
            "int32" -> DoubleArray(buffer.remaining() / 4) { buffer.getInt(4 * it).toDouble() }
            else -> throw IllegalArgumentException("unknown type $type")
        }
    }

    /** The values that a function of the translator returned. */
    private fun valuesOf(array: Any): DoubleArray = when (array) {
        is ByteArray -> DoubleArray(array.size) { (array[it].toInt() and 0xFF).toDouble() }
        is FloatArray -> DoubleArray(array.size) { array[it].toDouble() }
        is IntArray -> DoubleArray(array.size) { array[it].toDouble() }
        else -> throw IllegalArgumentException("not an array: $array")
    }

    private fun objects(array: JSONArray) = List(array.length()) { array.getJSONObject(it) }
}

/** The error of one output over its golden cases, in the units of `tf-translate verify`. */
private class OutputError(private val output: JSONObject) {
    private val isPixels = output.getString("dtype") == "uint8"
    private val tolerance = output.getJSONObject("tolerance").getJSONObject(MODEL)
    private var largest = 0.0
    private var absolute = 0.0
    private var squared = 0.0
    private var count = 0

    fun add(expected: DoubleArray, actual: DoubleArray) {
        assertTrue("${actual.size} values, and ${expected.size} are golden", actual.size == expected.size)
        val scale = scaleOf(expected)
        for (position in expected.indices) {
            val difference = Math.abs(actual[position] - expected[position]) * scale
            largest = maxOf(largest, difference)
            absolute += difference
            squared += difference * difference
        }
        count += expected.size
    }

    fun text() = "at most %.4f off, %.4f on average, PSNR %.1f dB".format(largest, absolute / count, psnr())

    /** Whether it is small enough: on the CPU as in the manifest, on the GPU `GPU_PSNR`. */
    fun isAllowed(isGpu: Boolean): Boolean {
        if (isGpu) return psnr() >= minOf(GPU_PSNR, limit("psnr", GPU_PSNR) - MARGIN)
        return largest <= limit("max_abs", Double.MAX_VALUE) &&
            absolute / count <= limit("mean_abs", Double.MAX_VALUE) &&
            psnr() >= limit("psnr", 0.0) - MARGIN
    }

    private fun psnr(): Double {
        val peak = if (isPixels) 255.0 else 2.0
        return if (squared == 0.0) Double.POSITIVE_INFINITY else 10 * Math.log10(peak * peak * count / squared)
    }

    private fun limit(name: String, missing: Double) = if (tolerance.has(name)) tolerance.getDouble(name) else missing

    /** Pixels count in levels, floats as if their range had a width of 2. */
    private fun scaleOf(expected: DoubleArray): Double {
        if (isPixels) return 1.0
        if (output.isNull("value_range")) return 1 / maxOf(1.0, expected.maxOf { Math.abs(it) })
        val range = output.getJSONArray("value_range")
        return 2 / (range.getDouble(1) - range.getDouble(0))
    }
}

private const val TAG = "GoldenTest"
private const val MODEL = "%%{model}"

/** In dB: `verify` takes the mean over more cases than these. */
private const val MARGIN = 3.0

/** In dB, our choice: a GPU computes in half precision, and no phone was measured for it. */
private const val GPU_PSNR = 30.0
